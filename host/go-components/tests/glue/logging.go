// Package wasi_logging_logging takes the place of the host's log in tests: it keeps what is logged.
package wasi_logging_logging

type Level = uint8

const (
	Level_Trace Level = iota
	Level_Debug
	Level_Info
	Level_Warn
	Level_Error
	Level_Critical
)

// Records are those that were logged.
var Records []string

func Log(_ Level, _ string, message string) { Records = append(Records, message) }
