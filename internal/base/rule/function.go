package rule

import (
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

var unknownName = regexp.MustCompile(`^unknown name (\S+)`)

// isFunction reports whether a name is one of our functions, of which divide and modulo stand for / and %.
func isFunction(name string) bool {
	return slices.Contains([]string{"days", "workdays", "today", "sum", "round", "date", "divide", "modulo"}, name)
}

// functions are what expressions may call beside the builtins.
func functions(calendar when.Days) []expr.Option {
	out := []expr.Option{
		expr.Function("divide", func(p ...any) (any, error) { return divide(p, func(a, b float64) float64 { return a / b }) }, pairs()...),
		expr.Function("modulo", func(p ...any) (any, error) { return divide(p, math.Mod) }, pairs()...),
		expr.Function(turn, spend, new(func(any, int, int) bool)),
		expr.Function("today", today, new(func(time.Time) time.Time)),
		expr.Function("days", days, new(func(time.Time, time.Time) float64)),
		expr.Function("date", date, new(func(string) time.Time)),
		expr.Function("sum", sum, new(func([]any, string) float64), new(func([]any) float64)),
		expr.Function("round", round, new(func(float64, int) float64), new(func(int, int) float64), new(func(float64) float64), new(func(int) float64)),
	}
	if calendar != nil {
		out = append(out, expr.Function("workdays", func(p ...any) (any, error) { return workdays(calendar(), p) }, new(func(time.Time, time.Time) float64)))
	}
	return out
}

// Names no expression can spell: what counts the turns of its loops.
const (
	steps = "steps!"
	turn  = "turn!"
)

// budget is what one evaluation may still do.
type budget struct {
	left    int
	largest int // of the lists it was given
}

// manyDays is what a workdays() in a loop counts for: it walks the days between two dates.
const manyDays = 2000

// spend is one turn of a loop, in which walks lists are walked and counts workdays are counted.
func spend(p ...any) (any, error) {
	b, ok := p[0].(*budget)
	if !ok {
		return nil, errs.New(errs.Invalid, "rule.failed")
	}
	walks, _ := p[1].(int)
	counts, _ := p[2].(int)
	if b.left -= 1 + walks*b.largest + counts*manyDays; b.left < 0 {
		return nil, errs.New(errs.Invalid, "rule.steps")
	}
	return true, nil
}

// counted puts the counting of its turns into a loop.
func counted(n *ast.PredicateNode) {
	if s, ok := n.Node.(*ast.SequenceNode); ok && len(s.Nodes) > 0 {
		if c, ok := s.Nodes[0].(*ast.CallNode); ok {
			if id, ok := c.Callee.(*ast.IdentifierNode); ok && id.Value == turn {
				return
			}
		}
	}
	walks, counts := walked(n.Node)
	n.Node = &ast.SequenceNode{Nodes: []ast.Node{&ast.CallNode{Callee: &ast.IdentifierNode{Value: turn},
		Arguments: []ast.Node{&ast.IdentifierNode{Value: steps}, &ast.IntegerNode{Value: walks}, &ast.IntegerNode{Value: counts}}}, n.Node}}
}

// walked counts the parts of a loop's body that go through a list each time, and those that go through days. Loops inside it
// count their own turns.
func walked(n ast.Node) (walks, counts int) {
	switch x := n.(type) {
	case nil, *ast.PredicateNode:
		return 0, 0
	case *ast.CallNode:
		if id, ok := x.Callee.(*ast.IdentifierNode); ok {
			switch id.Value {
			case "sum":
				walks++
			case "workdays":
				counts++
			}
		}
	case *ast.BuiltinNode:
		if slices.Contains([]string{"max", "min"}, x.Name) {
			walks++
		}
	case *ast.BinaryNode:
		if x.Operator == "in" || (x.Operator == "==" || x.Operator == "!=") && !literal(x.Left) && !literal(x.Right) { // of two lists every item is held against its like
			walks++
		}
	}
	for _, c := range children(n) {
		w, k := walked(c)
		walks, counts = walks+w, counts+k
	}
	return walks, counts
}

// literal reports whether a part is written as a number, a text, yes, no or nothing.
func literal(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.NilNode, *ast.ConstantNode:
		return true
	}
	return false
}

func pairs() []any {
	return []any{new(func(float64, float64) float64), new(func(int, int) float64), new(func(int, float64) float64), new(func(float64, int) float64)}
}

func divide(p []any, by func(a, b float64) float64) (any, error) {
	a, ok := number(p[0])
	b, is := number(p[1])
	switch {
	case !ok || !is:
		return nil, errs.New(errs.Invalid, "rule.not_number")
	case b == 0:
		return nil, errs.New(errs.Invalid, "rule.zero")
	}
	return by(a, b), nil
}

// today is the beginning of the civil day of now.
func today(p ...any) (any, error) {
	now, ok := p[0].(time.Time)
	if !ok || now.IsZero() {
		return nil, errs.New(errs.Invalid, "rule.missing", Now)
	}
	return when.ParseDate(when.FormatDate(now))
}

// days counts civil days from a to b, negative when b is before a.
func days(p ...any) (any, error) {
	a, err := today(p[0])
	if err != nil {
		return nil, errs.New(errs.Invalid, "rule.no_time")
	}
	b, err := today(p[1])
	if err != nil {
		return nil, errs.New(errs.Invalid, "rule.no_time")
	}
	return math.Round(b.(time.Time).Sub(a.(time.Time)).Hours() / 24), nil
}

// workdays counts the workdays after the day of a up to that of b.
func workdays(c *when.Calendar, p []any) (any, error) {
	n, err := days(p...)
	if err != nil {
		return nil, err
	}
	span, a := n.(float64), p[0].(time.Time)
	if math.Abs(span) > 36600 {
		return nil, errs.New(errs.Invalid, "rule.no_time")
	}
	sign := math.Copysign(1, span)
	if sign < 0 {
		a = p[1].(time.Time)
	}
	count := 0.0
	for i := 1; i <= int(math.Abs(span)); i++ {
		if c.IsWorkday(a.AddDate(0, 0, i)) {
			count++
		}
	}
	return count * sign, nil
}

func date(p ...any) (any, error) {
	s, _ := p[0].(string)
	t, err := when.ParseDate(s)
	if err != nil {
		return nil, errs.New(errs.Invalid, "rule.no_date", s)
	}
	return t, nil
}

// sum adds a list of numbers, or one column of a table; what is empty counts nothing.
func sum(p ...any) (any, error) {
	all, ok := list(p[0])
	if !ok {
		return nil, errs.New(errs.Invalid, "rule.not_list")
	}
	total := 0.0
	for _, v := range all {
		if len(p) == 2 {
			row, ok := v.(map[string]any)
			if !ok {
				return nil, errs.New(errs.Invalid, "rule.not_list")
			}
			if v = row[p[1].(string)]; v == nil {
				continue
			}
		}
		n, ok := number(v)
		if !ok {
			return nil, errs.New(errs.Invalid, "rule.not_number")
		}
		total += n
	}
	return total, nil
}

// round rounds half away from zero to n decimals.
func round(p ...any) (any, error) {
	x, ok := number(p[0])
	n := 0
	if len(p) == 2 {
		n, _ = p[1].(int)
	}
	if !ok || n < -9 || n > 9 {
		return nil, errs.New(errs.Invalid, "rule.not_number")
	}
	scale := math.Pow(10, float64(n))
	return math.Round(x*scale) / scale, nil
}

// looker walks an expression: it notes what is read, makes division name a zero, and gives today() its clock.
type looker struct {
	env   map[string]Type
	reads map[string]Type
}

// before refuses what is too deep, or makes lists of its own.
func (l *looker) before(src string) error {
	tree, err := parser.Parse(src)
	if err != nil {
		return compileError(err)
	}
	d := &depth{}
	d.walk(tree.Node, 0)
	if d.err != nil {
		return d.err
	}
	c := &collector{found: map[string]bool{}}
	ast.Walk(&tree.Node, c)
	for _, name := range c.names() { // the compiler lets a name in a call of ours pass
		if _, ok := l.env[name]; !ok && name != Now {
			return errs.New(errs.Invalid, "rule.unknown", name)
		}
	}
	return nil
}

// Visit implements ast.Visitor.
func (l *looker) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		if t, ok := l.env[x.Value]; ok {
			l.reads[x.Value] = t
		}
	case *ast.PredicateNode:
		counted(x)
	case *ast.BinaryNode:
		if name := map[string]string{"/": "divide", "%": "modulo"}[x.Operator]; name != "" {
			ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: []ast.Node{x.Left, x.Right}})
		}
	case *ast.CallNode:
		if id, ok := x.Callee.(*ast.IdentifierNode); ok && id.Value == "today" && len(x.Arguments) == 0 {
			ast.Patch(n, &ast.CallNode{Callee: id, Arguments: []ast.Node{&ast.IdentifierNode{Value: Now}}})
		}
	}
}

// depth refuses loops nested too deeply and operators that would make much of little.
type depth struct{ err error }

func (d *depth) walk(n ast.Node, level int) {
	if d.err != nil || n == nil {
		return
	}
	if b, ok := n.(*ast.BinaryNode); ok && slices.Contains([]string{"..", "**", "^", "matches"}, b.Operator) {
		d.err = errs.New(errs.Invalid, "rule.operator", b.Operator)
		return
	}
	if b, ok := n.(*ast.BuiltinNode); ok && slices.ContainsFunc(b.Arguments, func(a ast.Node) bool { _, is := a.(*ast.PredicateNode); return is }) {
		if level++; level > maxDepth {
			d.err = errs.New(errs.Invalid, "rule.deep", maxDepth)
			return
		}
	}
	for _, c := range children(n) {
		d.walk(c, level)
	}
}

// children are the parts of a node.
func children(n ast.Node) []ast.Node {
	switch x := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{x.Node}
	case *ast.BinaryNode:
		return []ast.Node{x.Left, x.Right}
	case *ast.ChainNode:
		return []ast.Node{x.Node}
	case *ast.MemberNode:
		return []ast.Node{x.Node, x.Property}
	case *ast.SliceNode:
		return []ast.Node{x.Node, x.From, x.To}
	case *ast.CallNode:
		return append([]ast.Node{x.Callee}, x.Arguments...)
	case *ast.BuiltinNode:
		return x.Arguments
	case *ast.PredicateNode:
		return []ast.Node{x.Node}
	case *ast.ConditionalNode:
		return []ast.Node{x.Cond, x.Exp1, x.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{x.Value, x.Expr}
	case *ast.SequenceNode:
		return x.Nodes
	case *ast.ArrayNode:
		return x.Nodes
	case *ast.MapNode:
		return x.Pairs
	case *ast.PairNode:
		return []ast.Node{x.Key, x.Value}
	}
	return nil
}
