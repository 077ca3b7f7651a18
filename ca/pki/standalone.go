package pki

// Standalone says who signs in a mesh without a Dashboard, and how.
type Standalone struct {
	Issuer  Issuer
	Secrets string // the command line of certs secrets
	Live    string // the command line that prints the live objects of the mesh
}

// Issuer is who signs the certificates of a mesh without a Dashboard.
type Issuer int

// The issuers.
const (
	IssuedByCFSSL   Issuer = iota
	IssuedWithKey          // tykmesh signs with ca-key.pem
	IssuedByManager        // cert-manager
	IssuedByUser
)

// signs returns who is to sign, up to the name of the CA.
func (s *rotationSteps) signs() string {
	if s.Standalone != nil {
		switch s.Standalone.Issuer {
		case IssuedWithKey:
			return "tykmesh certs secrets is to sign with"
		case IssuedByManager:
			return "cert-manager is to sign with"
		case IssuedByUser:
			return "you are to sign with"
		case IssuedByCFSSL:
		}
	}

	return "CFSSL is to sign with"
}

// signing returns the files that tykmesh reads when the next CA signs.
func (s *rotationSteps) signing() []string {
	switch {
	case s.Standalone == nil || s.Standalone.Issuer == IssuedByCFSSL:
		return []string{ChainFile}
	case s.Standalone.Issuer == IssuedWithKey:
		return []string{ChainFile, KeyFile}
	}
	return nil
}

// settled returns the files that tykmesh reads when pods trust the next CA alone.
func (s *rotationSteps) settled() []string {
	if len(s.signing()) == 0 {
		return []string{BundleFile}
	}
	return []string{BundleFile, ChainFile}
}

// applyTrust adds how to apply the CAs that pods trust. In a mesh without a Dashboard, inject
// prints them beside the workloads.
func (s *rotationSteps) applyTrust() {
	if s.Standalone == nil {
		s.apply(TrustFile)
	}
}

// reinject returns the command line that makes pods trust the CAs of the bundle.
func (s *rotationSteps) reinject() string {
	if s.Standalone != nil {
		return s.Inject + " --reinject"
	}
	return s.Inject
}

// renewSecrets adds how the new CA issues every certificate anew. Tokens stay, because the CA does
// not sign them.
func (s *rotationSteps) renewSecrets() {
	switch s.Standalone.Issuer {
	case IssuedByManager:
		s.add("  # the Secret of cert-manager's Issuer must hold the new CA; SECRET and NAMESPACE are those of the Issuer:")
		s.add("  kubectl -n NAMESPACE create secret tls SECRET --cert=%s --key=%s --dry-run=client -o yaml | kubectl apply -f -", s.path(ChainFile), s.path(KeyFile))
		s.add("  cmctl renew --all-namespaces -l app.kubernetes.io/managed-by=tykmesh     # the new CA issues every certificate")
	case IssuedByUser:
		s.add("  # for each service: sign a certificate, and put its key, itself and the certificates in %s into its Secret", s.path(ChainFile))
	case IssuedByCFSSL:
		s.serveCA()
		fallthrough
	case IssuedWithKey:
		s.add("  %s -f ... | kubectl apply -f -     # every workload on the mesh: the new CA issues every certificate", s.Standalone.Secrets)
	}
}

// waitForFiles adds how long sidecars may use the previous files of their Secrets: a pod saw
// another Secret after 85 seconds, and a gateway used another file after 300 seconds (measured).
func (s *rotationSteps) waitForFiles() {
	if s.Standalone != nil {
		s.add("wait 10 minutes: kubelets update the files of a Secret within two minutes, and sidecars read them every five minutes")
	}
}

// last adds how to take the last step.
func (s *rotationSteps) last() {
	if s.Standalone == nil {
		s.add("then take the last step, which asks the Dashboard whether certificates of the previous CA are in use:")
		s.take(StepSettle)
		return
	}

	s.add("then take the last step, which looks for certificates of the previous CA in the Secrets of the mesh:")
	s.add("  %s | %s --step %d -f -", s.Standalone.Live, s.Rotate, StepSettle)
}
