// Package dashboard talks to a Tyk Dashboard: it lists, creates, updates and deletes Tyk Classic
// API definitions and the certificates that they use, and renders definitions from templates.
//
//	Templates ──Render──> Definition ──Check──> CreateAPI, UpdateAPI ──> Client, or Dir
//	                                            UploadCertificate
//	APIs, Certificates <── one listing of each: what the key may see, or an error
//	CertificateAPIs    <── which APIs name a certificate, where the Dashboard tells
//
// [Client] is the Dashboard behind its REST API; [Dir] is a directory that stands in for one. Both
// have the same methods and keep the same promises.
//
// The package decides nothing: it knows neither services nor meshes, compares nothing with what is
// wanted, and never repeats a request that could take effect twice. It never prints or logs, and
// neither the key of the Dashboard nor a private key is ever part of an error or of a [Request]
// that is traced.
//
// # What a listing proves
//
// A listing proves that something is there, and never that something is not:
//
//	a Dashboard               its listing                         what shows it
//
//	keeps owners              leaves out what is not the key's    an entry with owners (API.Owned), ErrNotVisible for one object,
//	(enable_ownership)                                            ErrExists for an api_id that is not listed
//	counts more than it       contradicts itself                  ErrPartial
//	shows
//	cuts off, or lags         looks whole                         nothing
//
// So ask CertificateAPIs before you delete a certificate. Where the Dashboard does not tell
// (ErrUnsupported), a gap in the listing is no proof.
//
// # Who can do what
//
// Three secrets pass through here. Who has the Dashboard's key can change every API and certificate
// of the organisation; it goes to the Dashboard and nowhere else. The private key of a certificate
// goes into the Dashboard's store, once, and is never asked for again; who has it is that service.
// Sidecars have secrets of their own, the node secret among them, with which a gateway reads all
// definitions: tykmesh writes down where they are found and never reads one.
//
//	who                   could                           what is done                                shown by
//
//	listens on the        read the key, change answers    TLS is verified; http:// is for who trusts  TestTLSIsVerifiedUnlessConfiguredOtherwise,
//	network                                               the network                                 TestOldTLSIsRefused
//	answers as the        send the key on elsewhere       redirects are not followed                  TestTheKeyNeverGoesToAnotherHost
//	Dashboard
//	                      fill the memory, never end      answers, their values and waits have        TestAnswersAreReadUpToTheirLimit,
//	                                                      limits; a listing ends with its caller's    TestListingsAreBounded,
//	                                                      time                                        TestListingsTakeLittleMemory,
//	                                                                                                  TestOneAttemptTakesAtMostThirtySeconds
//	                      hide what is there, so that it  no page of a proxy, and nothing that is     TestHostileServers,
//	                      is made again                   cut off, proves absence                     TestListingsThatAreNoneAreErrors, FuzzAnswers
//	                      show a part as the whole, so    owners and contradictions show;             TestOwned,
//	                      that what others use is         CertificateAPIs asks who uses it            TestAListingThatIsNotWhole,
//	                      deleted                                                                     TestWhetherUsesCanBeTold
//	                      repeat secrets into a log       they are cut out of its words               TestNoErrorShowsASecret
//	                      show a foreign API as ours      who it belongs to is compared               mesh.TestConflicts,
//	                                                                                                  mesh.TestAPIOfAnotherOrganisation
//	edits APIs there      have more taken away by a mark  a mark takes away only what an annotation   mesh.TestChanges
//	                      that is edited                  may set
//	reads the store       have certificates, no keys      keys are the store's to encrypt             -
//	reads logs of CI      have what is printed            no secret is ever printed or traced         TestTraceShowsEachAttemptAndNoSecret,
//	                                                                                                  tykmesh.TestSecretsStayWhereTheyBelong,
//	                                                                                                  config.TestSecretIsNeverShown
//	writes manifests      break out of a template         values are data                             FuzzValuesAreData
//	                      take another's API              what identifies an API is not theirs        mesh.TestDefinition, mesh.TestRefusals,
//	                                                                                                  mesh.TestConflicts
//	                      speak for tykmesh in a log      what they wrote is printed on one line      tykmesh.TestNothingFromOutsideGivesOrders
//	                      set their own API's fields      on purpose: review what is merged           -
//	writes the            have the key sent anywhere      nothing: keep the file from them, and name  -
//	configuration                                         it with --config
//	has a --local         have keys, and be a Dashboard   keys are for the owner alone                TestADirectoryIsWrittenForPeopleToRead
//	directory
//	writes into one       lead out of it, fill memory     names and sizes are checked                 TestFilesOfPeople,
//	                                                                                                  TestFilesAreReadUpToTheirLimit
//	reads a node secret   join the gateways               there is none: Secrets are referred to      tykmesh.TestSidecarSecret,
//	here                                                                                              tykmesh.TestScripts/config-secret
package dashboard

import (
	"encoding/json"
	"time"
)

// API is one API as the Dashboard lists it.
type API struct {
	// Definition is complete: an update replaces the whole definition, so what is missing in it is
	// lost.
	Definition Definition

	// Envelope holds the fields beside the definition that an update must send back, just as they
	// came: hook_references, is_site, sort_by, user_owners, user_group_owners, and those of newer
	// Dashboards. It is nil for an API that was never read. APIs of one listing may share one: do
	// not change it.
	Envelope map[string]json.RawMessage
}

// Created names an API that was created.
type Created struct {
	// ID is the database id, 24 hexadecimal digits.
	ID string

	// APIID is the public id; it need not be the one that was asked for. It is "" when an old
	// Dashboard does not say: read the API then.
	APIID string
}

// Certificate is what the store tells of one certificate. Where the Dashboard has no detailed
// listing only ID is set and NotAfter is zero: look the certificate up by its id.
type Certificate struct {
	ID         string // organisation id and SHA-256 of the leaf's DER
	IssuerCN   string
	SubjectCN  string
	DNSNames   []string
	NotBefore  time.Time
	NotAfter   time.Time
	HasPrivate bool
	IsCA       bool
}

// CertificateUse is an API that names a certificate.
type CertificateUse struct {
	APIID string
	Name  string
	Usage []string // "server", "client", "upstream"
}
