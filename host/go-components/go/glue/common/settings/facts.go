package settings

// facts is what a store does not say of its settings: what it reads straight from its metadata or hands to an SDK, other names
// by which its decoder finds a field, what it decodes and never looks at. From the source of components-contrib v1.18.4.
type facts struct {
	// Names that the reference spells in a way of its own, by how they would be spelled.
	spelled map[string]string
	// Other names of settings that the store says.
	aliases map[string][]string
	// Settings that the store does not say.
	more []Setting
	// Settings of another component of the same code.
	unread []string
	// Settings that should not be used any more.
	deprecated []string
}

func (f facts) spelling(field string) string {
	name := spelled(field)
	if own, ok := f.spelled[name]; ok {
		return own
	}
	return name
}

// What common/authentication/azure looks up, each with its older names.
var azure = []Setting{
	{Name: "azureAuthMethods", Aliases: []string{"azureADAuthMethods", "entraIDAuthMethods", "microsoftEntraIDAuthMethods"}, Kind: "string"},
	{Name: "azureCertificate", Aliases: []string{"spnCertificate"}, Kind: "string"},
	{Name: "azureCertificateFile", Aliases: []string{"spnCertificateFile"}, Kind: "string"},
	{Name: "azureCertificatePassword", Aliases: []string{"spnCertificatePassword"}, Kind: "string"},
	{Name: "azureClientId", Aliases: []string{"spnClientId", "clientId"}, Kind: "string"},
	{Name: "azureClientSecret", Aliases: []string{"spnClientSecret", "clientSecret"}, Kind: "string"},
	{Name: "azureEnvironment", Aliases: []string{"azureCloud"}, Kind: "string"},
	{Name: "azureTenantId", Aliases: []string{"spnTenantId", "tenantId"}, Kind: "string"},
}

// What common/aws/auth looks up: keys, and a role by certificates.
var aws = []Setting{
	{Name: "accessKey", Kind: "string"},
	{Name: "assumeRoleArn", Kind: "string"},
	{Name: "region", Aliases: []string{"awsRegion"}, Kind: "string"},
	{Name: "secretKey", Kind: "string"},
	{Name: "sessionToken", Kind: "string"},
	{Name: "trustAnchorArn", Kind: "string"},
	{Name: "trustProfileArn", Kind: "string"},
}

func joined(lists ...[]Setting) []Setting {
	var all []Setting
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// postgresAliases are the same in all that use common/authentication/postgresql.
var postgresAliases = map[string][]string{
	"cleanupInterval":  {"cleanupIntervalInSeconds"},
	"connectionString": {"url"},
	"timeout":          {"timeoutInSeconds"},
}

func factsOf(kind string) facts {
	switch kind {
	case "secretstores.alicloud.parameterstore":
		return facts{spelled: map[string]string{"accessKeyID": "accessKeyId", "regionID": "regionId"}}
	case "secretstores.aws.parameterstore", "secretstores.aws.secretmanager":
		return facts{aliases: map[string][]string{"region": {"awsRegion"}}, more: aws}
	case "secretstores.azure.keyvault":
		return facts{more: azure}
	case "secretstores.gcp.secretmanager":
		return facts{aliases: map[string][]string{
			"authProviderX509CertURL": {"auth_provider_x509_cert_url"},
			"authURI":                 {"auth_uri"},
			"clientEmail":             {"client_email"},
			"clientID":                {"client_id"},
			"clientX509CertURL":       {"client_x509_cert_url"},
			"privateKey":              {"private_key"},
			"privateKeyID":            {"private_key_id"},
			"projectID":               {"project_id"},
			"tokenURI":                {"token_uri"},
		}}
	case "secretstores.tencentcloud.ssm":
		return facts{spelled: map[string]string{"secretID": "secretId"}}
	case "state.aws.dynamodb":
		return facts{aliases: map[string][]string{"region": {"awsRegion"}}, more: aws}
	case "state.azure.cosmosdb":
		return facts{spelled: map[string]string{"contentType": "contenttype"}, more: azure}
	case "state.cockroachdb":
		return facts{aliases: postgresAliases, unread: []string{"awsAccessKey", "awsSecretKey", "useAWSIAM", "useAzureAD"}}
	case "state.gcp.firestore":
		return facts{aliases: map[string][]string{"connectionEndpoint": {"endpoint"}}}
	case "state.postgresql":
		// Version 1 does not come to AWS (a fault: it drops that it may), but its reference has the settings.
		return facts{
			aliases:    postgresAliases,
			more:       joined(aws, azure, []Setting{{Name: "sessionName", Kind: "string"}}),
			deprecated: []string{"awsAccessKey", "awsSecretKey"},
		}
	case "state.redis":
		return facts{
			aliases: map[string][]string{"redisMaxRetries": {"maxRetries"}},
			more: joined(azure, []Setting{
				// In nanoseconds; what redisMinRetryInterval was.
				{Name: "maxRetryBackoff", Kind: "int", Deprecated: true},
				// Of pub/sub. The reference of the state store has them, too.
				{Name: "processingTimeout", Kind: "duration"},
				{Name: "redeliverInterval", Kind: "duration"},
			}),
		}
	case "state.sqlserver":
		return facts{
			aliases: map[string][]string{
				"cleanupInterval":  {"cleanupIntervalInSeconds"},
				"connectionString": {"url"},
				"databaseName":     {"database"},
				"schemaName":       {"schema"},
			},
			more: azure,
		}
	}
	return facts{}
}
