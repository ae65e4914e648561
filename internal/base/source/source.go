// Package source reads tables that stand elsewhere: in another system's database, in a folder, behind SFTP or HTTP. It
// lists them, says what their columns are, and streams their rows as text, in memory bounded by one row, from one
// consistent state where the other side can give one. It never writes there but to move a taken file.
//
//	c, err := source.Open(ctx, spec, secret, fence)
//	tables, err := c.Tables(ctx, "", 200)
//	cols, err := c.Columns(ctx, "public.resident")
//	for row, err := range c.Rows(ctx, source.Ask{Object: "public.resident", Columns: cols}) { … }
//
// Texts of a row are in the form base/table parses: dates and times as civil time, decimals without exponent, true and
// false; "" is NULL.
package source

import (
	"context"
	"embed"
	"iter"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Text holds the words of this package's errors, zh and en.
//
//go:embed text/*.json
var Text embed.FS

// Kind is a kind of source.
type Kind string

// The kinds.
const (
	Postgres  Kind = "postgres"  // PostgreSQL and what speaks its protocol: openGauss, KingbaseES, HighGo
	MySQL     Kind = "mysql"     // MySQL, MariaDB, TiDB, OceanBase in MySQL mode
	SQLServer Kind = "sqlserver" //
	Oracle    Kind = "oracle"    // Oracle and compatible
	Folder    Kind = "folder"    // a folder below the one the administrator named, watched
	SFTP      Kind = "sftp"      //
	HTTP      Kind = "http"      // an API that answers JSON by pages
)

// Kinds lists them in the order they are offered.
func Kinds() []Kind { return []Kind{Postgres, MySQL, SQLServer, Oracle, Folder, SFTP, HTTP} }

// Spec says where a source is. The secret is kept apart from it.
type Spec struct {
	Kind     Kind   `json:"kind" enum:"postgres,mysql,sqlserver,oracle,folder,sftp,http"`
	Host     string `json:"host" required:"false" maxLength:"253" doc:"name or address, of databases and SFTP"`
	Port     int    `json:"port" required:"false" minimum:"0" maximum:"65535" doc:"0 for the usual one"`
	Database string `json:"database" required:"false" maxLength:"128" doc:"of databases; the service name of Oracle"`
	User     string `json:"user" required:"false" maxLength:"128"`
	TLS      string `json:"tls" required:"false" enum:",on,verify" doc:"of databases: empty for none, on without looking at the certificate, verify with"`
	Path     string `json:"path" required:"false" maxLength:"500" doc:"of a folder and of SFTP: the folder"`
	HostKey  string `json:"hostKey" required:"false" maxLength:"200" doc:"of SFTP: SHA-256 fingerprint of the server's key, as ssh-keygen -l shows it"`
	API      API    `json:"api" required:"false" doc:"of HTTP"`
}

// Usual returns the port a kind of source usually listens on, 0 for none.
func (k Kind) Usual() int {
	return map[Kind]int{Postgres: 5432, MySQL: 3306, SQLServer: 1433, Oracle: 1521, SFTP: 22}[k]
}

// Check says what is missing in a Spec, every field by name.
func (s Spec) Check() error {
	var bad []errs.Field
	need := func(name, value string) {
		if strings.TrimSpace(value) == "" {
			bad = append(bad, errs.Field{Name: name, Key: "source.needed"})
		}
	}
	switch s.Kind {
	case Postgres, MySQL, SQLServer, Oracle:
		need("host", s.Host)
		need("database", s.Database)
		need("user", s.User)
	case SFTP:
		need("host", s.Host)
		need("user", s.User)
		need("hostKey", s.HostKey)
	case Folder:
		need("path", s.Path)
	case HTTP:
		bad = append(bad, s.API.check()...)
	default:
		return errs.New(errs.Invalid, "source.bad_kind", string(s.Kind))
	}
	if strings.ContainsAny(s.Host, "/@? \t") {
		bad = append(bad, errs.Field{Name: "host", Key: "source.bad_host"})
	}
	if bad != nil {
		return errs.New(errs.Invalid, "source.incomplete").With(bad...)
	}
	return nil
}

// Place names where a source is, for people: "10.1.2.3:5432/hr".
func (s Spec) Place() string {
	switch s.Kind {
	case Folder:
		return s.Path
	case HTTP:
		return s.API.URL
	case SFTP:
		return s.address() + "/" + strings.TrimPrefix(s.Path, "/")
	}
	return s.address() + "/" + s.Database
}

// Table is one table, view or file of a source.
type Table struct {
	Name    string `json:"name" doc:"as it is asked for"`
	Comment string `json:"comment"`
	View    bool   `json:"view"`
	Rows    int64  `json:"rows" doc:"an estimate, -1 when unknown"`
}

// Column is one column of a Table.
type Column struct {
	Name    string         // in the source
	Native  string         // its type there
	Type    warehouse.Type // what it becomes; the zero Type when the values must tell
	Comment string
	Key     bool // part of the primary key
	Binary  bool // holds what cannot stand in a table: left out
}

// Family names the type a column has there in words that do not change with a width: the warehouse's, or "text".
func (c Column) Family() string {
	switch {
	case c.Binary:
		return "binary"
	case c.Type.Kind == "":
		return "text"
	}
	return c.Type.String()
}

// Ask says which rows are wanted.
type Ask struct {
	Object  string   // a Table's name
	Columns []Column // as Columns gave them, those wanted, in the order wanted
	After   Mark     // only rows from here on, all when it names no column
	Order   string   // rows in the order of this column, "" for any
	Limit   int      // at most so many, 0 for all
	Every   bool     // of files: all there are, one after another; otherwise the newest
	// Refused hears of rows that cannot be read, with their reasons; nil where there are none, as in databases.
	Refused func(row int, cells []string, why []errs.Field) error
}

// Mark is a place in a column that grows.
type Mark struct {
	Column Column
	Value  string // the least value wanted, as warehouse.Format writes it
}

// Conn is an open source. Not for several goroutines at once.
type Conn interface {
	// Tables lists what there is whose name or comment contains text, at most limit.
	Tables(ctx context.Context, text string, limit int) ([]Table, error)
	// Columns says what an object holds; Missing when it is not there.
	Columns(ctx context.Context, object string) ([]Column, error)
	// Rows streams rows; a slice once yielded is used again for the next. An error ends it.
	Rows(ctx context.Context, ask Ask) iter.Seq2[[]string, error]
	// Close ends it.
	Close() error
}

// Numbered is a Conn that knows which row of its file it is at.
type Numbered interface {
	// Row is the number of the row yielded last, as Excel shows it; behind several files they go on counting.
	Row() int
}

// Taker is a Conn whose objects are files that are moved once they have been taken in.
type Taker interface {
	// Read names the files the last Rows or Columns looked at.
	Read() []string
	// Taken moves files away: to the folder done, or to failed with the reason beside them.
	Taken(ctx context.Context, names []string, failed string) error
}

// Open connects, within the fence. Errors: Busy when the other side does not answer, Denied when it refuses the user or
// the fence the address, Invalid when the spec is wrong; all in words.
func Open(ctx context.Context, s Spec, secret string, f Fence) (Conn, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	switch s.Kind {
	case Postgres:
		return openPostgres(ctx, s, secret, f)
	case MySQL:
		return openMySQL(ctx, s, secret, f)
	case SQLServer:
		return openSQLServer(ctx, s, secret, f)
	case Oracle:
		return openOracle(ctx, s, secret, f)
	case Folder:
		return openFolder(s, f)
	case SFTP:
		return openSFTP(ctx, s, secret, f)
	case HTTP:
		return openHTTP(ctx, s, secret, f)
	}
	return nil, errs.New(errs.Invalid, "source.bad_kind", string(s.Kind))
}
