package sidecar

import (
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// TestSecretsAreFixed holds the list of fixed variables against the sidecar: what it takes from the
// Secret is set by nothing else.
func TestSecretsAreFixed(t *testing.T) {
	secrets := 0
	for _, e := range (Gateway{TLS: true, LogLevel: "info", Redis: Redis{Cluster: true, TLS: true, Username: "tyk", Database: 1}}).environment() {
		m, _ := e.(manifest.Map)
		if _, secret := m.Lookup("valueFrom"); !secret {
			continue
		}
		if secrets++; CheckSettable(m.String("name"), false) == nil {
			t.Errorf("%s comes from the Secret and can be set to something else", m.String("name"))
		}
	}

	if secrets != 4 {
		t.Errorf("%d variables come from the Secret, want 4", secrets)
	}
}

func TestCheckPodVariable(t *testing.T) {
	for _, group := range PodVariables {
		for _, name := range group.Names {
			if err := CheckPodVariable(name, "$$(5) $"); err != nil {
				t.Error(err)
			}
		}
	}

	for _, name := range strings.Fields(`
		TYK_GW_SECRET TYK_GW_NODESECRET TYK_GW_STORAGE_PASSWORD TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET TYK_GW_DBAPPCONFOPTIONS_TAGS
		TYK_GW_DBAPPCONFOPTIONS_CONNECTIONSTRING TYK_GW_STORAGE_ADDRS TYK_GW_STORAGE_HOST TYK_GW_STORAGE_HOSTS TYK_GW_STORAGE_MASTERNAME
		TYK_GW_ANALYTICSCONFIG_TYPE TYK_GW_SLAVEOPTIONS_CONNECTIONSTRING TYK_GW_UPTIMETESTS_CONFIG_FAILURETRIGGERSAMPLESIZE TYK_GW_POLICIES_POLICYCONNECTIONSTRING
		TYK_GW_NEWRELIC_APPNAME TYK_GW_OPENTELEMETRY_ENDPOINT TYK_GW_TRACER_OPTIONS TYK_GW_SENTRYCODE TYK_GW_LOGSTASHNETWORKADDR TYK_GW_KV_CONSUL_ADDRESS
		TYK_GW_KV_VAULT_TOKEN TYK_GW_SECRETS TYK_GW_COPROCESSOPTIONS_COPROCESSGRPCSERVER TYK_GW_PUBLICKEYPATH TYK_GW_ALLOWINSECURECONFIGS TYK_GW_CONTROLAPIPORT
		TYK_GW_CONTROLAPIHOSTNAME TYK_GW_HTTPSERVEROPTIONS_SSLINSECURESKIPVERIFY TYK_GW_HTTPSERVEROPTIONS_SSLCERTIFICATES TYK_GW_PROXYSSLINSECURESKIPVERIFY
		TYK_GW_SECURITY_CERTIFICATES_UPSTREAM TYK_GW_TEMPLATEPATH TYK_GW_APPPATH TYK_GW_MIDDLEWAREPATH TYK_GW_HTTPPROFILE SSL_CERT_DIR SSL_CERT_FILE
		HTTP_PROXY http_proxy HTTPS_PROXY ALL_PROXY NO_PROXY LD_PRELOAD LD_LIBRARY_PATH PATH GODEBUG GOTRACEBACK KUBERNETES_SERVICE_HOST
		tyk_gw_secret TYK_gw_logformat gomemlimit A`) {
		if CheckPodVariable(name, "x") == nil {
			t.Errorf("a pod may set %s", name)
		}
	}
}

func TestExpands(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "a": false, "$": false, "$a": false, "${A}": false, "a$$(A)": false, "$$$$(A)": false, "$$": false, "a(b)$": false, "$$a$": false,
		"$(A)": true, "a $(A": true, "$$$(A)": true, "$$(A)$(B)": true, "$a$(B)": true, "$$$$$(": true,
	} {
		if got := expands(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestCheckCAFile(t *testing.T) {
	for _, name := range strings.Fields(`CURL_CA_BUNDLE REQUESTS_CA_BUNDLE SSL_CERT_FILE GIT_SSL_CAINFO AWS_CA_BUNDLE PIP_CERT NIX_SSL_CERT_FILE PGSSLROOTCERT
		CARGO_HTTP_CAINFO GRPC_DEFAULT_SSL_ROOTS_FILE_PATH npm_config_cafile VAULT_CACERT HTTPLIB2_CA_CERTS DENO_CERT YARN_HTTPS_CA_FILE_PATH MY_APP_CA PERL_LWP_SSL_CA_FILE`) {
		if err := CheckCAFile(name); err != nil {
			t.Error(err)
		}
	}

	for _, name := range []string{"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "HOME", "HTTP_PROXY", "JAVA_TOOL_OPTIONS", "NODE_OPTIONS", "PYTHONSTARTUP", "CASSANDRA_HOST", "LOCALE", "A=B", ""} {
		if CheckCAFile(name) == nil {
			t.Errorf("%q is taken for the name of a file of CAs", name)
		}
	}
}
