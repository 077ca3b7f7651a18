// Package dashboard talks to a Tyk Dashboard: it lists, creates, updates and deletes Tyk Classic
// API definitions and the certificates that they use. It renders definitions from templates, and
// merges and compares them.
//
//	Templates ──Render──> Definition ──Check──> CreateAPI, UpdateAPI ──> Client, or Dir
//	                      Merge, Diff
//	                                            UploadCertificate
//	APIs, Certificates <── one listing of each: all that the key may see, or an error
//	CertificateAPIs    <── the APIs that name a certificate, if the Dashboard supports it
//
// [Client] is the Dashboard behind its REST API; [Dir] is a directory that stands in for one. Both
// have the same methods and keep the same promises.
//
// The package makes no decisions: it knows no services and no mesh, and never repeats a request
// that could take effect twice. It never prints or logs. No error and no traced [Request] contains
// the Dashboard's key or a private key.
//
// # What a listing proves
//
// A listing proves that an object exists. It never proves that one does not:
//
//	Dashboard                        its listing          how to notice
//
//	hides APIs of other owners       leaves them out      an entry has owners (API.Owned), one API
//	(enable_ownership)                                    is ErrNotVisible, or an API that is not
//	                                                      listed is ErrExists
//	counts more than it shows        contradicts itself   ErrPartial
//	truncates its listing, or lags   looks complete       not at all
//
// So call CertificateAPIs before you delete a certificate. If the Dashboard does not support it
// (ErrUnsupported), a gap in the listing proves nothing.
//
// # Who can do what
//
// Three secrets pass through this package. The Dashboard's key can change every API and certificate
// of the organisation; it is sent to the Dashboard and nowhere else. The private key of a
// certificate, which is the identity of a service, is stored in the Dashboard once and never read
// again. Sidecars have secrets of their own, such as the node secret, with which a gateway reads
// all definitions: tykmesh writes references to them and never reads them.
//
// Each attacker, the attacks, the defence, and the tests that show it:
//
//   - Listens on the network: reads the key or changes answers. TLS is verified; http:// is for
//     trusted networks. TestTLSIsVerifiedUnlessConfiguredOtherwise, TestOldTLSIsRefused.
//   - Answers as the Dashboard: forwards the key. Redirects are not followed.
//     TestTheKeyNeverGoesToAnotherHost.
//   - Answers as the Dashboard: fills the memory, or never ends. Answers, their values and waits
//     are limited; a listing ends with the caller's context. TestAnswersAreReadUpToTheirLimit,
//     TestListingsAreBounded, TestListingsTakeLittleMemory,
//     TestOneAttemptTakesAtMostThirtySeconds.
//   - Answers as the Dashboard: hides objects, so that they are created again. Neither a proxy's
//     page nor a truncated answer proves absence. TestHostileServers,
//     TestListingsThatAreNoneAreErrors, FuzzAnswers.
//   - Answers as the Dashboard: shows only a part, so that certificates in use are deleted.
//     Owners and contradictions are noticed; CertificateAPIs lists the users. TestOwned,
//     TestAListingThatIsNotWhole, TestWhetherUsesCanBeTold.
//   - Answers as the Dashboard: repeats secrets in its messages, to have them logged. They are
//     cut out. TestNoErrorShowsASecret.
//   - Answers as the Dashboard: presents a foreign API as one of the mesh. Its ownership is
//     checked. apply.TestConflicts, apply.TestAPIOfAnotherOrganisation.
//   - Edits APIs in the Dashboard: changes a mark, so that tykmesh deletes more. A mark only
//     leads to fields that an annotation may set. apply.TestChanges.
//   - Reads the Dashboard's store: gets certificates without keys. The store encrypts the keys.
//   - Reads CI logs: gets their contents. No secret is printed or traced.
//     TestTraceShowsEachAttemptAndNoSecret, tykmesh.TestSecretsStayWhereTheyBelong,
//     config.TestSecretIsNeverShown.
//   - Writes manifests: breaks out of a template. Values are data. FuzzValuesAreData.
//   - Writes manifests: takes over the API of another service. Annotations cannot set the fields
//     that identify an API. plan.TestDefinition, plan.TestRefusals, apply.TestConflicts.
//   - Writes manifests: writes orders to a CI system into a log. Texts are printed on one line.
//     tykmesh.TestNothingFromOutsideGivesOrders.
//   - Writes manifests: sets fields of their own API. This is intended: review what you merge.
//   - Writes the configuration: sends the key anywhere. There is no defence: protect the file,
//     and name it with --config.
//   - Has a --local directory: gets its keys, and acts as the Dashboard. Only the owner can read
//     the keys. TestADirectoryIsWrittenForPeopleToRead.
//   - Writes into a --local directory: leads out of it, or fills the memory. Names and sizes are
//     checked. TestFilesOfPeople, TestFilesAreReadUpToTheirLimit.
//   - Reads a node secret from tykmesh: joins the gateways. tykmesh never has one: manifests
//     refer to Secrets. tykmesh.TestSidecarSecret, tykmesh.TestScripts/config-secret.
package dashboard

import (
	"encoding/json"
	"time"
)

// API is one API as the Dashboard lists it.
type API struct {
	// Definition is complete: an update replaces the whole definition, so a missing field would be
	// lost.
	Definition Definition

	// Envelope holds the fields beside the definition that an update must send back unchanged:
	// hook_references, is_site, sort_by, user_owners, user_group_owners, and fields of newer
	// Dashboards. It is nil for an API that was never read. APIs of one listing may share an
	// envelope: do not change it.
	Envelope map[string]json.RawMessage
}

// Created names an API that was created.
type Created struct {
	// ID is the database id, 24 hexadecimal digits.
	ID string

	// APIID is the public id; it may differ from the requested one. It is "" if an old Dashboard
	// does not return it: read the API then.
	APIID string
}

// Certificate describes one certificate of the store, as the Dashboard's detailed listing does.
// Without a detailed listing, only ID is set and NotAfter is zero: read the certificate by its id
// then.
type Certificate struct {
	ID         string    `json:"id"` // the organisation's id and the SHA-256 of the leaf's DER
	IssuerCN   string    `json:"issuer_cn"`
	SubjectCN  string    `json:"subject_cn"`
	DNSNames   []string  `json:"dns_names"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	HasPrivate bool      `json:"has_private"`
	IsCA       bool      `json:"is_ca"`

	// Unread certificates are known by their ids alone, because the detailed listing failed: the
	// store may have lost them.
	Unread bool `json:"-"`
}

// CertificateUse is an API that names a certificate.
type CertificateUse struct {
	APIID string   `json:"api_id"`
	Name  string   `json:"name"`
	Usage []string `json:"usage_type"` // "server", "client", "upstream"
}
