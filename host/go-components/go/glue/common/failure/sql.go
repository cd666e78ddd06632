package failure

import (
	"errors"
	"reflect"
	"strings"
)

// States of SQL by what they begin with, the longer ones first. The server has undone what it was at, but for those that say
// otherwise.
var states = []struct {
	prefix string
	kind   Kind
}{
	{"40003", Lost},       // CockroachDB: the result is ambiguous
	{"40", NotReached},    // others were at the same
	{"42501", Denied},     // rights
	{"28", Denied},        // user and password
	{"25006", Denied},     // read-only
	{"57014", NotReached}, // it took longer than it may
	{"57P02", Lost},       // the server crashed
	{"57P", NotReached}, {"53", NotReached}, {"55P03", NotReached},
	{"08001", NotReached}, {"08004", NotReached}, // there was no connection
	{"08", Lost},
	{"22001", TooLarge}, {"54", TooLarge},
	{"22007", Invalid}, {"22008", Invalid}, {"22021", Invalid},
	{"58", Unknown}, {"XX", Unknown}, // files and faults of the server itself, at a commit, perhaps
	{"", Refused},
}

// Numbers of MySQL and MariaDB whose state does not say it.
var numbers = map[uint64]Kind{
	1021: NotReached, 1041: NotReached, 1114: NotReached, 3675: NotReached, // disk, memory, table full
	1040: NotReached, 1203: NotReached, 1226: NotReached, // connections
	1205: NotReached, 1206: NotReached, 1467: NotReached, // locks
	1317: NotReached, 1969: NotReached, 3024: NotReached, // it took longer than it may
	1044: Denied, 1142: Denied, 1143: Denied, 1227: Denied, 1290: Denied, 1370: Denied, 1836: Denied,
	1153: TooLarge, 1301: TooLarge,
	1030: Unknown, 1105: Unknown, 1180: Unknown, 1927: Lost, // at a commit, perhaps
}

// ofSQL knows what the server of a SQL database says.
func ofSQL(err error) (Kind, bool) {
	number, state := mysql(err)
	if number != 0 {
		if kind, known := numbers[number]; known {
			return kind, true
		}
	} else if state = stateOf(err); state == "" {
		return Unknown, false
	}
	for _, known := range states {
		if strings.HasPrefix(state, known.prefix) {
			return known.kind, true
		}
	}
	return Unknown, false
}

// stateOf is PostgreSQL's.
func stateOf(err error) string {
	var sql interface{ SQLState() string }
	if errors.As(err, &sql) {
		return sql.SQLState()
	}
	return ""
}

// mysql is what an error of go-sql-driver/mysql has, 0 for another.
func mysql(err error) (number uint64, state string) {
	walk(err, func(err error) bool {
		value := reflect.Indirect(reflect.ValueOf(err))
		if value.Kind() != reflect.Struct || value.Type().Name() != "MySQLError" {
			return false
		}
		found, five := value.FieldByName("Number"), value.FieldByName("SQLState")
		if !found.IsValid() || found.Kind() != reflect.Uint16 {
			return false
		}
		number = found.Uint()
		if five.IsValid() && five.Type() == reflect.TypeFor[[5]byte]() {
			bytes, _ := five.Interface().([5]byte)
			state = strings.TrimRight(string(bytes[:]), "\x00")
		}
		return true
	})
	return number, state
}

// Undone says whether a SQL database has undone what it was asked for since others were at the same: it may be asked again.
// MariaDB says it in another way where the lock is that of a counter.
func Undone(err error) bool {
	number, state := mysql(err)
	if number == 0 {
		state = stateOf(err)
	}
	return number == 1467 || strings.HasPrefix(state, "40") && state != "40003"
}

// IsDuplicate says whether MySQL has a row with this key.
func IsDuplicate(err error) bool {
	number, _ := mysql(err)
	return number == 1062
}
