package store

import (
	"path"
	"testing"
)

func TestNoKeyLeavesThePathOfZooKeeper(t *testing.T) {
	traits := traitsOf("state.zookeeper", "v1")
	for key, spelled := range map[string]string{
		"": "", ".": "%2E", "..": "%2E%2E", "...": "...", ".a": ".a", "a.": "a.", "../a": "..%2Fa", "a/..": "a%2F..",
		"%2E": "%252E", "%2E%2E": "%252E%252E", "app||..": "app||..",
	} {
		found := traits.spelled(key)
		if found != spelled {
			t.Errorf("%q is spelled %q and not %q", key, found, spelled)
		}
		if joined := path.Join("/dapr", found); key != "" && joined != "/dapr/"+found {
			t.Errorf("%q is at %s", key, joined)
		}
	}
}

func TestOtherStoresHaveADotAsItIs(t *testing.T) {
	for _, kind := range []string{"state.memcached", "state.redis"} {
		if found := traitsOf(kind, "v1").spelled(".."); found != ".." {
			t.Errorf("%s: %s", kind, found)
		}
	}
}
