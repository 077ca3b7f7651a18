package pki

// Due lists the work outside the directory that follows a step.
type Due struct {
	Copy  []string // files that every other place where tykmesh runs needs
	Apply []string // manifests to apply
	Renew bool     // CFSSL's pod is replaced, and then every certificate
	Roll  bool     // pods that trust other CAs have to be replaced
}

// Due returns the work that follows the last step.
func (r Rotation) Due() Due {
	switch {
	case r.Taken == StepTrust:
		return Due{Copy: []string{BundleFile}, Apply: []string{TrustFile}, Roll: true}
	case r.Taken == StepSign, r.Reissued():
		return Due{Copy: []string{ChainFile}, Apply: []string{KeysFile, ServerFile}, Renew: true, Roll: r.Taken == StepSign}
	case r.Taken == StepSettle:
		return Due{Copy: []string{BundleFile, ChainFile}, Apply: []string{TrustFile}, Roll: true}
	}

	return Due{}
}
