package sidecar

import "github.com/tykmesh/tykmesh/inject/manifest"

// How containers come to trust the mesh. /etc/ssl/certs stays the image's own: the mesh's CA stands
// beside it.
const (
	// AuthorityPath is where the CA is mounted: ca.pem, and in the built-in profile the same under
	// the names that OpenSSL looks for.
	AuthorityPath = "/etc/tykmesh/ca"
	authorityFile = AuthorityPath + "/" + AuthorityKey

	// UsualFolder is where images keep the certificates that they trust.
	UsualFolder = "/etc/ssl/certs"
	// TrustedFolders extends it: a value of VariableTrust, whose directories Go (crypto/x509) and
	// OpenSSL read.
	TrustedFolders = UsualFolder + ":" + AuthorityPath
	VariableTrust  = "SSL_CERT_DIR"

	trustPath = "/etc/tykmesh/trust"
	trustFile = trustPath + "/ca-certificates.crt"
)

// AuthorityMount mounts the CA into a container.
func AuthorityMount() manifest.Map {
	return manifest.Map{{Key: "name", Value: Authority}, {Key: "mountPath", Value: AuthorityPath}, {Key: "readOnly", Value: true}}
}

// Trusting returns the variables by which a container also trusts the mesh CA: SSL_CERT_DIR for Go
// and OpenSSL, NODE_EXTRA_CA_CERTS for Node.js.
func Trusting() []Variable {
	return []Variable{{VariableTrust, TrustedFolders}, {"NODE_EXTRA_CA_CERTS", authorityFile}}
}

// Combined is one file with the mesh CA and all public ones, for programs that read a file instead
// of directories. An init container makes it when the pod starts.
type Combined struct {
	Image     string   // has a shell, and the public CAs in /etc/ssl/certs/ca-certificates.crt
	Variables []string // that are to name the file
	UID       int64
	Resources Resources
}

// Container returns the init container that makes the file.
func (c Combined) Container() manifest.Map {
	script := "cat /etc/ssl/certs/ca-certificates.crt " + authorityFile + " > " + trustFile
	return manifest.Map{
		{Key: "name", Value: TrustName}, {Key: "image", Value: c.Image},
		{Key: "command", Value: manifest.List{"/bin/sh", "-ec", script}},
		{Key: "resources", Value: c.Resources.value()},
		{Key: "securityContext", Value: restricted(c.UID)},
		{Key: "volumeMounts", Value: manifest.List{
			AuthorityMount(), manifest.Map{{Key: "name", Value: TrustName}, {Key: "mountPath", Value: trustPath}},
		}},
	}
}

// Volume returns the volume that holds the file.
func (c Combined) Volume() manifest.Map {
	return manifest.Map{{Key: "name", Value: TrustName}, {Key: "emptyDir", Value: manifest.Map{{Key: "sizeLimit", Value: "8Mi"}}}}
}

// Mount mounts the file into a container.
func (c Combined) Mount() manifest.Map {
	return manifest.Map{{Key: "name", Value: TrustName}, {Key: "mountPath", Value: trustPath}, {Key: "readOnly", Value: true}}
}

// Naming returns the variables that name the file.
func (c Combined) Naming() []Variable {
	out := make([]Variable, len(c.Variables))
	for i, name := range c.Variables {
		out[i] = Variable{name, trustFile}
	}
	return out
}
