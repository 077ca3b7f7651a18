package standalone

import "slices"

// The files of a sidecar, below ConfigPath.
const (
	inboundFile   = APIPath + "/inbound.json"
	meshHTTPFile  = APIPath + "/mesh-http.json"
	meshHTTPSFile = APIPath + "/mesh-https.json"
)

// TrustFile is the key under which the ConfigMap holds all CAs of the mesh, for the containers that
// trust it. The sidecar itself does not read it.
const TrustFile = "ca.pem"

// Paths returns the paths of the files of Config, sorted: with policies if the pod allows only some
// callers.
func (m Mesh) Paths(policies bool) []string {
	paths := []string{inboundFile, meshHTTPFile}
	if m.Certificates {
		paths = append(paths, meshHTTPSFile)
	}

	if policies {
		paths = append(paths, PolicyFile)
	}

	if m.Mutual {
		for i := range m.Authorities {
			paths = append(paths, authorityFile(i))
		}
	}

	slices.Sort(paths)

	return paths
}
