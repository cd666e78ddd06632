package store

import (
	"context"
	"fmt"

	"github.com/dapr/components-contrib/secretstores"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_secrets_provider_requests"
	types "wit_component/dapr_secrets_provider_types"
	hosttypes "wit_component/dapr_secrets_types"
)

type answer = witTypes.Result[requests.Response, types.Error]

func accept(response requests.Response) answer {
	return witTypes.Ok[requests.Response, types.Error](response)
}

func refuse(err types.Error) answer { return witTypes.Err[requests.Response, types.Error](err) }

// Bytes of a secret at most: keys and values.
const mostOfASecret = 1 << 20

// do is one call, in a goroutine of its own.
func (c *contrib) do(ctx context.Context, call requests.Call) answer {
	if call.Tag() == requests.Call_Get {
		return c.get(ctx, call.Get())
	}
	return c.bulkGet(ctx, call.BulkGet())
}

func (c *contrib) get(ctx context.Context, name string) answer {
	if !c.traits.takes(name) {
		return refuse(types.MakeErrorInvalid("the store would take it for the name of another secret"))
	}
	found, err := c.inner.GetSecret(ctx, secretstores.GetSecretRequest{Name: name, Metadata: c.traits.metadata()})
	if err != nil {
		return refuse(readError(err))
	}
	values, ok := c.values(name, name, found.Data)
	if !ok {
		return refuse(types.MakeErrorNoSuchSecret())
	}
	if size(values) > mostOfASecret {
		return refuse(types.MakeErrorTooLarge(fmt.Sprintf("it has more than %d bytes", mostOfASecret)))
	}
	return accept(requests.MakeResponseValues(values))
}

func (c *contrib) bulkGet(ctx context.Context, most uint32) answer {
	found, err := c.inner.BulkGetSecret(ctx, secretstores.BulkGetSecretRequest{Metadata: c.traits.metadata()})
	if err != nil && !c.traits.isEmpty(err) {
		return refuse(readError(err))
	}
	secrets := make([]hosttypes.Secret, 0, len(found.Data))
	total := 0
	for given, data := range found.Data {
		name := c.traits.name(given)
		values, ok := c.values(name, given, data)
		if !ok {
			continue
		}
		if total += len(name) + size(values); total > int(most) {
			return refuse(types.MakeErrorTooLarge(fmt.Sprintf("the secrets have more than %d bytes", most)))
		}
		secrets = append(secrets, hosttypes.Secret{Name: name, Values: values})
	}
	return accept(requests.MakeResponseSecrets(secrets))
}

// values are those of a secret, which the store calls `given`. Of a store whose secrets have one each it is the one under that
// name, whatever the store says beside it; where there is none, the store took the name for another secret's.
func (c *contrib) values(name, given string, data map[string]string) ([]hosttypes.Value, bool) {
	if !c.multiple {
		value, ok := data[given]
		return []hosttypes.Value{{Key: name, Value: value}}, ok
	}
	values := make([]hosttypes.Value, 0, len(data))
	for key, value := range data {
		values = append(values, hosttypes.Value{Key: key, Value: value})
	}
	return values, true
}

func size(values []hosttypes.Value) int {
	total := 0
	for _, value := range values {
		total += len(value.Key) + len(value.Value)
	}
	return total
}
