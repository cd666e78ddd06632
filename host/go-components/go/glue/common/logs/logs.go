// Package logs gives the log records of the component to the host, with their levels. Standard output is never used.
package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"slices"
	"strings"
	_ "unsafe" // for go:linkname

	"github.com/dapr/kit/logger"

	host "wit_component/wasi_logging_logging"
)

// Logger is Dapr's logger with the host behind it.
type Logger struct {
	name    string
	fields  string
	without []string
}

// New is a logger whose records have this name as their context.
func New(name string) *Logger { return &Logger{name: name} }

// Without leaves out records that begin so.
func (l *Logger) Without(beginnings []string) *Logger {
	return &Logger{name: l.name, fields: l.fields, without: beginnings}
}

var own = New("component")

// Debugf logs what the glue has to say to those who look for it.
func Debugf(format string, args ...any) { own.Debugf(format, args...) }

// Warnf logs what the glue has to say of a call.
func Warnf(format string, args ...any) { own.Warnf(format, args...) }

// Errorf logs what the glue itself has to say.
func Errorf(format string, args ...any) { own.Errorf(format, args...) }

func (l *Logger) EnableJSONOutput(bool)                     {}
func (l *Logger) SetAppID(string)                           {}
func (l *Logger) SetOutputLevel(logger.LogLevel)            {}
func (l *Logger) SetOutput(io.Writer)                       {}
func (l *Logger) IsOutputLevelEnabled(logger.LogLevel) bool { return true }
func (l *Logger) WithLogType(string) logger.Logger          { return l }

// WithFields writes the fields behind each message.
func (l *Logger) WithFields(fields map[string]any) logger.Logger {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	text.WriteString(l.fields)
	for _, name := range names {
		fmt.Fprintf(&text, " %s=%v", name, fields[name])
	}
	return &Logger{name: l.name, fields: text.String(), without: l.without}
}

func (l *Logger) write(level host.Level, message string) {
	if !slices.ContainsFunc(l.without, func(beginning string) bool { return strings.HasPrefix(message, beginning) }) {
		host.Log(level, l.name, message+l.fields)
	}
}

func (l *Logger) Debug(args ...any) { l.write(host.Level_Debug, fmt.Sprint(args...)) }
func (l *Logger) Info(args ...any)  { l.write(host.Level_Info, fmt.Sprint(args...)) }
func (l *Logger) Warn(args ...any)  { l.write(host.Level_Warn, fmt.Sprint(args...)) }
func (l *Logger) Error(args ...any) { l.write(host.Level_Error, fmt.Sprint(args...)) }

func (l *Logger) Debugf(format string, args ...any) {
	l.write(host.Level_Debug, fmt.Sprintf(format, args...))
}

func (l *Logger) Infof(format string, args ...any) {
	l.write(host.Level_Info, fmt.Sprintf(format, args...))
}

func (l *Logger) Warnf(format string, args ...any) {
	l.write(host.Level_Warn, fmt.Sprintf(format, args...))
}

func (l *Logger) Errorf(format string, args ...any) {
	l.write(host.Level_Error, fmt.Sprintf(format, args...))
}

// Fatal ends the instance, which the host replaces.
func (l *Logger) Fatal(args ...any) {
	l.write(host.Level_Critical, fmt.Sprint(args...))
	os.Exit(1)
}

// Fatalf is Fatal with a format.
func (l *Logger) Fatalf(format string, args ...any) {
	l.write(host.Level_Critical, fmt.Sprintf(format, args...))
	os.Exit(1)
}

//go:linkname kitLoggers github.com/dapr/kit/logger.getLoggers
func kitLoggers() map[string]logger.Logger

// Redirect sends what others log to the host: loggers that modules made for themselves, and the standard library's.
func Redirect() {
	stdlog.SetFlags(0)
	stdlog.SetOutput(lines{})
	for _, other := range kitLoggers() {
		other.EnableJSONOutput(true)
		other.SetOutput(records{})
	}
}

// lines takes records of the standard library, which have no level.
type lines struct{}

func (lines) Write(line []byte) (int, error) {
	own.write(host.Level_Info, string(bytes.TrimRight(line, "\n")))
	return len(line), nil
}

// records takes records of Dapr's own loggers as JSON.
type records struct{}

func (records) Write(line []byte) (int, error) {
	var record struct{ Level, Scope, Msg string }
	if err := json.Unmarshal(line, &record); err != nil {
		return lines{}.Write(line)
	}
	host.Log(levelOf(record.Level), record.Scope, record.Msg)
	return len(line), nil
}

func levelOf(name string) host.Level {
	switch name {
	case "debug", "trace":
		return host.Level_Debug
	case "warning", "warn":
		return host.Level_Warn
	case "error":
		return host.Level_Error
	case "fatal", "panic":
		return host.Level_Critical
	default:
		return host.Level_Info
	}
}
