package pki

// The help of tykmesh ca.
const (
	Help = "ca makes a certificate authority that signs the mesh's certificates, with everything that its CFSSL needs, and later replaces it. " +
		"If you run a CFSSL already, you do not need it: set CA.addr in the configuration instead."

	InitTitle = "Make a CA, the configuration of its CFSSL, and the Kubernetes manifests of both"
	InitHelp  = "init makes a certificate authority for the mesh in a directory: its key and certificate, the configuration of the CFSSL that signs " +
		"with it, and manifests that run this CFSSL in Kubernetes. It prints the section CA of tykmesh.yaml, and what to type next. If the " +
		"directory has a csr_ca.json, that describes the CA; flags override it. init overwrites no file, and writes all files or none."

	ImageHelp          = "run CFSSL from `IMAGE`"
	NamespaceHelp      = "run CFSSL in `NAMESPACE`"
	MeshNamespaceHelp  = "let the pods of `NAMESPACE` trust the CA; may be repeated (default: CFSSL's namespace)"
	AllowNamespaceHelp = "let the pods of `NAMESPACE` call CFSSL; may be repeated (default: CFSSL's namespace)"

	RotateHelp = "rotate prints how far a rotation of the CA is, what to apply and wait for now, and which step is next. With --step it takes " +
		"that step, which changes files in the CA's directory and nothing else.\n\n" +
		"  step 1  makes a new CA, which pods are to trust beside the old one\n" +
		"  step 2  makes CFSSL sign with the new CA. The old CA has signed it too, so pods that trust only the old CA accept it\n" +
		"  step 3  makes pods trust the new CA alone. First it asks the Dashboard whether certificates of the old CA are in use\n\n" +
		"A CA under a root (ca init --intermediate) is replaced in one step, because pods trust the root. --root replaces the root too.\n\n" +
		"Without a Dashboard (Injector.mode: standalone), the issuer of the configuration signs in step 2: CFSSL, certs secrets or cert-manager. " +
		"Step 3 then looks for certificates of the old CA in live objects, which -f names.\n\n" +
		"The new CA is like the old one, with new keys and with what csr_ca.json in the directory says: edit it to change the kind of key, " +
		"the lifetime or the subject. The common name stays. Steps are idempotent; the next run completes an interrupted step.\n\n" +
		"Each step writes the manifests in k8s anew. Edits of the image and the namespaces are kept. A manifest with other edits is " +
		"refused with a diff: put such edits into a kustomize patch."

	// RequestHelp describes csr_ca.json to a user whose csr_ca.json is invalid.
	RequestHelp = "it describes the next CA, in the format of cfssl gencert -initca"
)
