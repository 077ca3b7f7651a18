package sidecar

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/spelling"
)

// PodVariable is a group of variables that a pod may set for its sidecar, and their topic.
type PodVariable struct {
	About string
	Names []string
}

// PodVariables are all variables that a pod may set for its sidecar. The author of a pod need not
// have the secrets of the mesh, so every other variable belongs to the configuration. Some name a
// server that gets a secret: the Dashboard, Redis, the control plane, a proxy, a collector of
// traces or logs. Some name a file that is loaded: certificates, plugins, LD_PRELOAD. Some end the
// verification of certificates. A list of those could not be complete, because gateways gain
// variables. Names count as they are written here: a gateway reads no other spelling.
var PodVariables = []PodVariable{
	{"logging", []string{"TYK_GW_LOGLEVEL", "TYK_GW_LOGFORMAT", "TYK_GW_ACCESSLOGS_ENABLED", "TYK_GW_ACCESSLOGS_TEMPLATE", "TZ"}},
	{"timeouts", []string{
		"TYK_GW_PROXYDEFAULTTIMEOUT", "TYK_GW_HTTPSERVEROPTIONS_READTIMEOUT", "TYK_GW_HTTPSERVEROPTIONS_WRITETIMEOUT",
		"TYK_GW_HTTPSERVEROPTIONS_FLUSHINTERVAL", "TYK_GW_GRACEFULSHUTDOWNDELAYSECONDS", "TYK_GW_GRACEFULSHUTDOWNTIMEOUTDURATION",
	}},
	{"connections", []string{
		"TYK_GW_MAXCONNTIME", "TYK_GW_MAXIDLECONNS", "TYK_GW_MAXIDLECONNSPERHOST", "TYK_GW_CLOSECONNECTIONS", "TYK_GW_PROXYCLOSECONNECTIONS",
		"TYK_GW_PROXYENABLEHTTP2", "TYK_GW_HTTPSERVEROPTIONS_ENABLEHTTP2", "TYK_GW_HTTPSERVEROPTIONS_ENABLEWEBSOCKETS",
	}},
	{"requests and responses", []string{
		"TYK_GW_HTTPSERVEROPTIONS_MAXREQUESTBODYSIZE", "TYK_GW_HTTPSERVEROPTIONS_SKIPURLCLEANING", "TYK_GW_HTTPSERVEROPTIONS_SKIPTARGETPATHESCAPING",
		"TYK_GW_HIDEGENERATORHEADER",
	}},
	{"Go runtime", []string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS"}},
}

// CheckPodVariable refuses variables that a pod may not set for its sidecar.
func CheckPodVariable(name, value string) error {
	if err := CheckVariable(name); err != nil {
		return err
	}
	if CheckSettable(name, false) != nil {
		return fmt.Errorf("tykmesh itself sets the variable %s", name)
	}

	var known []string
	for _, group := range PodVariables {
		known = append(known, group.Names...)
	}

	if !slices.Contains(known, name) {
		return fmt.Errorf("a pod may not set the variable %s, which could send secrets or calls elsewhere; set it in Sidecar.env of the configuration; "+
			"tykmesh help annotations lists the variables that a pod may set%s", name, spelling.DidYouMean("", name, known))
	}

	if expands(value) {
		return fmt.Errorf("the value of %s contains $(, which Kubernetes would replace by a variable, perhaps a secret; write $$( for a literal $(", name)
	}

	return nil
}

// expands reports whether Kubernetes looks for a variable in a value: $(NAME), where $$ is a dollar
// sign (Kubernetes documentation, Define Dependent Environment Variables).
func expands(value string) bool {
	for {
		i := strings.IndexByte(value, '$')
		if i < 0 || i == len(value)-1 {
			return false
		}
		if value[i+1] == '(' {
			return true
		}

		if value = value[i+1:]; value[0] == '$' {
			value = value[1:]
		}
	}
}

// CheckCAFile refuses a variable that does not look like the path of a CA file: overwriting a
// variable with another meaning (PATH, LD_PRELOAD) would break the program.
func CheckCAFile(name string) error {
	if err := CheckVariable(name); err != nil {
		return fmt.Errorf("%w; like CURL_CA_BUNDLE", err)
	}
	if upper := strings.ToUpper(name); strings.Contains(upper, "CERT") || strings.Contains(upper, "SSL_ROOTS") || slices.ContainsFunc(strings.Split(upper, "_"), isCA) {
		return nil
	}
	return errors.New("the variable " + name + " does not look like the path of a CA file; use a name that contains CA or CERT, like CURL_CA_BUNDLE")
}

// isCA reports whether a word of a variable's name means CAs.
func isCA(word string) bool {
	return slices.Contains([]string{"CA", "CAS", "CAFILE", "CAINFO", "CABUNDLE"}, word)
}
