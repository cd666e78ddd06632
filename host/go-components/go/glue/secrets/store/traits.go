package store

import "strings"

// traits is what components-contrib does not say of a store, and where it is not as the host has it.
type traits struct {
	// Whether a name is one that the server does not take for another's: which secrets an app may read is decided by their names,
	// as they are written. Nil: all are.
	plain func(string) bool
	// What begins the names that the store lists, and not those that it is asked for.
	listedBelow string
	// What it says where there is no secret at all.
	emptySays string
	// The version that it has to be asked for. Empty: it need not.
	version string
}

// Settings that name files, of which a component has none, and what takes their place.
var files = map[string]string{
	"azureCertificateFile": "put the certificate into `azureCertificate`",
	"caCert":               "put the certificates into `caPem`",
	"caPath":               "put the certificates into `caPem`",
	"spnCertificateFile":   "put the certificate into `spnCertificate`",
	"vaultTokenMountPath":  "put the token into `vaultToken`",
}

func traitsOf(kind string) traits {
	switch kind {
	case "secretstores.hashicorp.vault":
		// It puts the name into an address as it is.
		return traits{plain: isPath, emptySays: "list keys couldn't get successful response, status code: 404"}
	case "secretstores.aws.parameterstore":
		// `name:version`, and addresses.
		return traits{plain: func(name string) bool { return !strings.Contains(name, ":") }}
	case "secretstores.aws.secretmanager":
		// Addresses, and names that are a part of one.
		return traits{plain: func(name string) bool { return !strings.HasPrefix(name, "arn:") }}
	case "secretstores.azure.keyvault":
		return traits{plain: isWord}
	case "secretstores.gcp.secretmanager":
		return traits{plain: isWord, listedBelow: "/secrets/"}
	case "secretstores.huaweicloud.csms":
		return traits{plain: isWord, version: "latest"}
	}
	return traits{}
}

func (t traits) takes(name string) bool { return t.plain == nil || t.plain(name) }

// metadata is what each request has beside the name.
func (t traits) metadata() map[string]string {
	if t.version == "" {
		return map[string]string{}
	}
	return map[string]string{"version_id": t.version}
}

// name is what a secret is asked for that the store lists under this name.
func (t traits) name(listed string) string {
	if t.listedBelow == "" {
		return listed
	}
	_, name, found := strings.Cut(listed, t.listedBelow)
	if !found {
		return listed
	}
	return name
}

func (t traits) isEmpty(err error) bool {
	return t.emptySays != "" && strings.Contains(err.Error(), t.emptySays)
}

// isWord knows a name without what would be more than a name in an address.
func isWord(name string) bool {
	for _, r := range name {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
		if !plain {
			return false
		}
	}
	return name != "" && name != "." && name != ".."
}

// isPath knows a name that is a path, and the only one of its secret.
func isPath(name string) bool {
	if strings.ContainsAny(name, `?#%\;`) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.TrimSpace(part) != part {
			return false
		}
	}
	return true
}
