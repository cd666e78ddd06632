// Command settings prints a line of JSON for each component: the settings that its component says it has, and those that
// its metadata.yaml documents. Their list is written beside it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"wit_component/settings"
)

type store struct {
	kind, version, folder string
	component             any
}

type named []struct {
	Name string `yaml:"name"`
}

type profile struct {
	Name     string `yaml:"name"`
	Metadata named  `yaml:"metadata"`
}

// documentation is what of a metadata.yaml is about settings.
type documentation struct {
	Metadata named     `yaml:"metadata"`
	Own      []profile `yaml:"authenticationProfiles"`
	Builtin  []profile `yaml:"builtinAuthenticationProfiles"`
}

type line struct {
	Type       string             `json:"type"`
	Version    string             `json:"version"`
	Published  []settings.Setting `json:"published"`
	Documented []string           `json:"documented"`
	// Names of profiles that are documented elsewhere.
	Profiles []string `json:"profiles"`
}

func main() {
	contrib := os.Args[1]
	out := json.NewEncoder(os.Stdout)
	for _, store := range stores {
		said, err := said(contrib, store)
		if err == nil {
			err = out.Encode(said)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, store.kind, err)
			os.Exit(1)
		}
	}
}

func said(contrib string, store store) (line, error) {
	said := line{
		Type: store.kind, Version: store.version,
		Published:  settings.Of(store.kind, store.component),
		Documented: []string{}, Profiles: []string{},
	}
	text, err := os.ReadFile(filepath.Join(contrib, store.folder, "metadata.yaml"))
	if err != nil {
		return said, err
	}
	var found documentation
	if err := yaml.Unmarshal(text, &found); err != nil {
		return said, err
	}
	add := func(settings named) {
		for _, setting := range settings {
			said.Documented = append(said.Documented, setting.Name)
		}
	}
	add(found.Metadata)
	for _, profile := range found.Own {
		add(profile.Metadata)
	}
	for _, profile := range found.Builtin {
		add(profile.Metadata)
		said.Profiles = append(said.Profiles, profile.Name)
	}
	return said, nil
}
