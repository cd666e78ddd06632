// Package words is what the module keeps to itself, in a file that is embedded.
package words

import _ "embed"

// Text is the file.
//
//go:embed words.txt
var Text string
