// Command native runs state stores of components-contrib as daprd does, in a native program: what the same stores are
// compared with as WebAssembly components.
//
// The first line on standard input says which store, each other line is a call, and each has a line of JSON as its answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/components-contrib/state/etcd"
	inmemory "github.com/dapr/components-contrib/state/in-memory"
	"github.com/dapr/components-contrib/state/memcached"
	"github.com/dapr/components-contrib/state/mysql"
	postgresqlv1 "github.com/dapr/components-contrib/state/postgresql/v1"
	postgresql "github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/components-contrib/state/redis"
	"github.com/dapr/components-contrib/state/zookeeper"
	"github.com/dapr/kit/logger"
)

var constructors = map[string]func(logger.Logger) state.Store{
	"state.etcd":       etcd.NewEtcdStateStoreV2,
	"state.in-memory":  inmemory.NewInMemoryStateStore,
	"state.memcached":  memcached.NewMemCacheStateStore,
	"state.mysql":      mysql.NewMySQLStateStore,
	"state.postgresql": postgresql.NewPostgreSQLStateStore,
	"state.postgresql/v1": postgresqlv1.NewPostgreSQLStateStore,
	"state.redis":      redis.NewRedisStateStore,
	"state.zookeeper":  zookeeper.NewZookeeperStateStore,
}

// Opening is the first line.
type Opening struct {
	Type     string            `json:"type"`
	Metadata map[string]string `json:"metadata"`
}

// Call is each other line.
type Call struct {
	// Do is get, set, delete or bench.
	Do  string `json:"do"`
	Key string `json:"key"`
	// Value is bytes, in base64.
	Value []byte `json:"value"`
	// JSON is a value that the app gave as JSON, in its place.
	JSON any     `json:"json"`
	Etag *string `json:"etag"`
	// FirstWrite demands that the etag is the item's, or that there is no item.
	FirstWrite bool              `json:"firstWrite"`
	Metadata   map[string]string `json:"metadata"`
	Bench      Bench             `json:"bench"`
}

// Answer is the answer to one.
type Answer struct {
	Error    string            `json:"error,omitempty"`
	Value    []byte            `json:"value,omitempty"`
	Etag     *string           `json:"etag,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Measured *Measured         `json:"measured,omitempty"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "native:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	var opening Opening
	if err := lines.Decode(&opening); err != nil {
		return fmt.Errorf("the first line: %w", err)
	}
	store, err := open(opening)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := answers.Encode(Answer{}); err != nil {
		return err
	}
	for {
		var call Call
		if err := lines.Decode(&call); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		answer, err := do(store, call)
		if err != nil {
			answer = Answer{Error: err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func open(opening Opening) (state.Store, error) {
	constructor, found := constructors[opening.Type]
	if !found {
		return nil, fmt.Errorf("no store %q", opening.Type)
	}
	log := logger.NewLogger("native")
	log.SetOutputLevel(logger.FatalLevel)
	store := constructor(log)
	base := metadata.Base{Name: "statestore", Properties: opening.Metadata}
	return store, store.Init(context.Background(), state.Metadata{Base: base})
}

func do(store state.Store, call Call) (Answer, error) {
	ctx := context.Background()
	options := state.SetStateOption{}
	if call.FirstWrite {
		options.Concurrency = state.FirstWrite
	}
	switch call.Do {
	case "get":
		found, err := store.Get(ctx, &state.GetRequest{Key: call.Key, Metadata: call.Metadata})
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: found.Data, Etag: found.ETag, Metadata: found.Metadata}, nil
	case "set":
		request := state.SetRequest{Key: call.Key, Value: call.Value, ETag: call.Etag, Metadata: call.Metadata, Options: options}
		if call.JSON != nil {
			request.Value = call.JSON
		}
		return Answer{}, store.Set(ctx, &request)
	case "delete":
		deletion := state.DeleteStateOption{Concurrency: options.Concurrency}
		return Answer{}, store.Delete(ctx, &state.DeleteRequest{
			Key: call.Key, ETag: call.Etag, Metadata: call.Metadata, Options: deletion,
		})
	case "bench":
		measured, err := call.Bench.run(ctx, store)
		return Answer{Measured: &measured}, err
	default:
		return Answer{}, fmt.Errorf("no call %q", call.Do)
	}
}
