package pki

import "strings"

// oldComments replaces comments of earlier versions by those of this one, line by line.
var oldComments = strings.NewReplacer(
	"# What pods on the mesh trust. Sidecars mount it from their own namespace, so each namespace has one.",
	"# The CAs that pods on the mesh trust. Sidecars mount this ConfigMap from their own namespace, so each namespace has one.",

	"# The certificate that CFSSL signs with. It is not ca-pem, which holds what pods trust: that may be the root above it.",
	"# The certificate that CFSSL signs with. Pods trust the ConfigMap ca-pem instead, which may hold the root above it.",

	"# A hash of the CA's certificate and of the configuration, so that pods are replaced when one of them changes.",
	"# A hash of the CA's certificate and of the configuration: the pod is replaced when either changes.",

	"# It gives nothing away: the key in the configuration is 16 random bytes.",
	"# It reveals no secret, because the key in the configuration is 16 random bytes.",

	"# CFSSL does not talk to Kubernetes",
	"# CFSSL does not call the Kubernetes API",

	`# these and the container's pass the Pod Security level "restricted"`,
	`# meets the Pod Security level "restricted", together with the container's`,

	"# may read the files below",
	"# may read the mounted files",

	"# its entrypoint is cfssl",
	"# its entrypoint must be cfssl",

	"# Everything that does not ask for the key but info and health: newcert, for one, gives anybody a certificate.",
	"# Disables every endpoint that needs no key, except info and health: newcert, for example, gives any caller a certificate.",

	"# Who may ask CFSSL. It speaks plain HTTP, and whoever has its key gets certificates for any name of the mesh, so this is a wall of its own.",
	"# The pods that may call CFSSL. It speaks plain HTTP, and any caller with its key gets certificates for every name of the mesh.",

	"# kubectl port-forward and the probes come from the node and are not stopped by it.",
	"# kubectl port-forward and the probes come from the node, and are not stopped.",

	"# and no rule for it: CFSSL asks nobody",
	"# without a rule, because CFSSL calls no server",

	"# CFSSL's configuration holds the key of its API.",
	"# CFSSL's configuration, which holds the key of its API.",

	"# The key of CFSSL's API alone, for jobs in the cluster that run tykmesh: TYKMESH_CA_KEY from this Secret.",
	"# The key of CFSSL's API alone, for jobs in the cluster that run tykmesh with TYKMESH_CA_KEY from this Secret.",
)
