// Package rule evaluates the short expressions people write into declarations: when a field is needed, what a sum comes
// to, which way a case goes. An expression reads the names it is given and nothing else, is bounded in size and work,
// and says in words what is wrong with it. The language is expr-lang's, cut down to what such rules need.
package rule

import (
	"embed"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Type is what a name stands for. Money is a Number of 分.
type Type string

// The types. Rows of a table are a List of objects.
const (
	Any    Type = "any"
	Number Type = "number"
	Words  Type = "text"
	Bool   Type = "bool"
	Time   Type = "time"
	List   Type = "list"
)

// Bounds of one expression: its length, its parts, how deep loops over lists nest, and the memory and the steps of one
// evaluation. Outside of loops its parts bound the steps; each turn of a loop is counted.
const (
	maxLength = 4000
	maxNodes  = 500
	maxDepth  = 2
	maxItems  = 10000
	maxMemory = 200_000
	maxSteps  = 2_000_000
)

// Now is the name under which the values carry the present moment: today() reads it.
const Now = "now"

// Rule is one expression ready to be evaluated, by many at once.
type Rule struct {
	program *vm.Program
	reads   map[string]Type // the names it reads
	gives   Type
}

// Option furnishes the functions that need something from outside.
type Option func(*options)

type options struct{ calendar when.Days }

// Calendar gives workdays() its calendar; without one it cannot be used.
func Calendar(c when.Days) Option { return func(o *options) { o.calendar = c } }

// Compile checks src against the names there are. Errors are Invalid and say what is wrong and in which column.
func Compile(src string, env map[string]Type, more ...Option) (*Rule, error) {
	var o options
	for _, f := range more {
		f(&o)
	}
	if len(src) > maxLength {
		return nil, errs.New(errs.Invalid, "rule.long", maxLength)
	}
	names := types.Map{Now: types.TypeOf(time.Time{}), steps: types.Any}
	for name, t := range env {
		names[name] = known(t)
	}
	look := &looker{env: env, reads: map[string]Type{}}
	settings := append([]expr.Option{expr.Env(names), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Optimize(false), expr.Patch(look)}, functions(o.calendar)...)
	for _, name := range builtins() {
		settings = append(settings, expr.EnableBuiltin(name))
	}
	if err := look.before(src); err != nil {
		return nil, err
	}
	p, err := expr.Compile(src, settings...)
	if err != nil {
		return nil, compileError(err)
	}
	return &Rule{p, look.reads, typeOf(p)}, nil
}

// known is a type as the compiler knows it.
func known(t Type) types.Type {
	switch t {
	case Number:
		return types.Float64
	case Words:
		return types.String
	case Bool:
		return types.Bool
	case Time:
		return types.TypeOf(time.Time{})
	case List:
		return types.Array(types.Any)
	}
	return types.Any
}

func builtins() []string {
	return []string{"all", "none", "any", "one", "filter", "map", "count", "len", "abs", "ceil", "floor", "int", "float", "string", "trim", "upper", "lower", "max", "min", "first", "last", "hasPrefix", "hasSuffix"}
}

// typeOf is what a program gives, as far as that is known before it runs.
func typeOf(p *vm.Program) Type {
	t := p.Node().Type()
	if t == nil {
		return Any
	}
	switch t.String() {
	case "bool":
		return Bool
	case "string":
		return Words
	case "int", "int64", "float64":
		return Number
	case "time.Time":
		return Time
	case "[]interface {}", "[]string":
		return List
	}
	return Any
}

// compileError names the column and what is wrong there.
func compileError(err error) error {
	e, ok := errors.AsType[*file.Error](err)
	if !ok {
		return errs.Wrap(err, errs.Invalid, "rule.wrong", 1, err.Error())
	}
	if m := unknownName.FindStringSubmatch(e.Message); m != nil {
		return errs.New(errs.Invalid, "rule.unknown", m[1])
	}
	return errs.New(errs.Invalid, "rule.wrong", e.Column+1, e.Message)
}

// Type is what the expression gives, Any when that is known only when it runs.
func (r *Rule) Type() Type { return r.gives }

// Value evaluates the expression over vars.
func (r *Rule) Value(vars map[string]any) (v any, err error) {
	in := make(map[string]any, len(r.reads)+2)
	left := &budget{left: maxSteps}
	in[steps] = left
	if now, ok := vars[Now]; ok {
		in[Now] = now
	}
	for name, t := range r.reads {
		x, ok := vars[name]
		if !ok {
			return nil, errs.New(errs.Invalid, "rule.missing", name)
		}
		if in[name], ok = fit(t, x); !ok {
			return nil, errs.New(errs.Invalid, "rule.other_type", name)
		}
		if l, ok := in[name].([]any); ok {
			left.largest = max(left.largest, len(l))
		}
	}
	m := vm.VM{MemoryBudget: maxMemory}
	v, err = m.Run(r.program, in)
	if err != nil {
		return nil, runError(err)
	}
	return v, nil
}

func runError(err error) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e
	}
	return errs.Wrap(err, errs.Invalid, "rule.failed")
}

// fit brings a value to its type: every number is a float64, every list holds anything.
func fit(t Type, v any) (any, bool) {
	switch t {
	case Number:
		n, ok := number(v)
		return n, ok
	case Words:
		s, ok := v.(string)
		return s, ok
	case Bool:
		b, ok := v.(bool)
		return b, ok
	case Time:
		at, ok := v.(time.Time)
		return at, ok
	case List:
		l, ok := list(v)
		return l, ok && len(l) <= maxItems
	}
	return v, true
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	}
	return 0, false
}

func list(v any) ([]any, bool) {
	switch l := v.(type) {
	case []any:
		return l, true
	case []string:
		out := make([]any, len(l))
		for i, s := range l {
			out[i] = s
		}
		return out, true
	case []map[string]any:
		out := make([]any, len(l))
		for i, m := range l {
			out[i] = m
		}
		return out, true
	}
	return nil, false
}

// Bool evaluates an expression that gives yes or no.
func (r *Rule) Bool(vars map[string]any) (bool, error) {
	v, err := r.Value(vars)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, errs.New(errs.Invalid, "rule.not_bool")
	}
	return b, nil
}

// Number evaluates an expression that gives a number.
func (r *Rule) Number(vars map[string]any) (float64, error) {
	v, err := r.Value(vars)
	if err != nil {
		return 0, err
	}
	n, ok := number(v)
	if !ok || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errs.New(errs.Invalid, "rule.not_number")
	}
	return n, nil
}

// List evaluates an expression that gives a list.
func (r *Rule) List(vars map[string]any) ([]any, error) {
	v, err := r.Value(vars)
	if err != nil {
		return nil, err
	}
	l, ok := list(v)
	if !ok {
		return nil, errs.New(errs.Invalid, "rule.not_list")
	}
	return l, nil
}

// Names lists what src reads, sorted.
func Names(src string) ([]string, error) {
	if len(src) > maxLength {
		return nil, errs.New(errs.Invalid, "rule.long", maxLength)
	}
	tree, err := parser.Parse(src)
	if err != nil {
		return nil, compileError(err)
	}
	c := &collector{found: map[string]bool{}}
	ast.Walk(&tree.Node, c)
	return c.names(), nil
}

// collector gathers identifiers that are neither a function's name nor declared in the expression itself.
type collector struct {
	found map[string]bool
	own   []string
}

func (c *collector) names() []string {
	var out []string
	for name := range c.found {
		if !slices.Contains(c.own, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Visit implements ast.Visitor.
func (c *collector) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		if !isFunction(x.Value) {
			c.found[x.Value] = true
		}
	case *ast.VariableDeclaratorNode:
		c.own = append(c.own, x.Name)
	}
}
