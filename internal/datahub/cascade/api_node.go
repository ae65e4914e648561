package cascade

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/cascade/internal/batch"
	"qushu/internal/kernel/audit"
)

// Card is what this node hands to the administrator of another, by another way than this one.
type Card struct {
	Self
	PublicKey   string `json:"publicKey" doc:"PEM, SM2"`
	Fingerprint string `json:"fingerprint" doc:"SM3 of the key: read out to the other side"`
}

// NodeItem is a peer as it stands.
type NodeItem struct {
	ID        string     `json:"id"`
	Code      string     `json:"code"`
	Name      string     `json:"name"`
	Role      Role       `json:"role" enum:"upper,lower"`
	Transport string     `json:"transport" enum:"https,pull,wait,folder" doc:"https: both sides call; pull: this side calls for both; wait: the peer calls for both; folder: a gate carries files"`
	State     string     `json:"state" enum:"active,paused"`
	Heard     store.Time `json:"heardAt"`
	Tried     store.Time `json:"triedAt"`
	Next      store.Time `json:"nextAt" doc:"not tried again before, after a failure"`
	Failures  int64      `json:"failures" doc:"in a row"`
	Why       string     `json:"why" doc:"what went wrong last, empty when all went well"`
	Waiting   int64      `json:"waiting" doc:"batches for it that it does not have yet"`
	Open      int64      `json:"open" doc:"batches it has and has not answered"`
	Incoming  int64      `json:"incoming" doc:"batches of it that are not applied yet"`
	Sync      Sync       `json:"sync" doc:"first telling of what was published before"`
}

// NodeFull is a peer with what only the system administrator sees.
type NodeFull struct {
	NodeItem
	PublicKey   string `json:"publicKey"`
	Fingerprint string `json:"fingerprint"`
	URL         string `json:"url"`
	CA          string `json:"ca"`
	Pin         string `json:"pin" doc:"SHA-256 of the peer's certificate"`
	Out         string `json:"out"`
	In          string `json:"in"`
	Unit        string `json:"unit"`
	UnitName    string `json:"unitName"`
	Version     int64  `json:"version"`
}

// say puts a reason into the caller's language; "" for none.
func (c *Cascade) say(ctx context.Context, f Fault) string {
	if f.Key == "" {
		return ""
	}
	return c.words.Text(web.From(ctx).Lang, f.Key, anys(f.Args)...)
}

type pairingOut struct {
	Body struct {
		Self  Card       `json:"self"`
		Nodes []NodeFull `json:"nodes" nullable:"false"`
	}
}

func (c *Cascade) pairing(ctx context.Context, _ *struct{}) (*pairingOut, error) {
	out := &pairingOut{}
	self, err := findSelf(ctx, c.db)
	if err != nil {
		return nil, err
	}
	pem, err := c.ring.PublicKeyPEM("")
	if err != nil {
		return nil, err
	}
	print, err := Fingerprint(string(pem))
	if err != nil {
		return nil, err
	}
	out.Body.Self = Card{self, string(pem), print}
	all, err := nodes(ctx, c.db, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	items, err := c.items(ctx, all)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, n := range all {
		units = append(units, n.Unit)
	}
	named, err := c.names.Units(ctx, c.db, units)
	if err != nil {
		return nil, err
	}
	out.Body.Nodes = []NodeFull{}
	for i, n := range all {
		out.Body.Nodes = append(out.Body.Nodes, NodeFull{items[i], n.PublicKey, n.Fingerprint, n.URL, n.CA, n.Pin, n.Out, n.In, n.Unit, named[n.Unit], n.Version})
	}
	return out, nil
}

// items are nodes with their figures.
func (c *Cascade) items(ctx context.Context, all []Node) ([]NodeItem, error) {
	type figure struct {
		node, way, state string
		n                int64
	}
	figures, err := store.All(ctx, c.db, func(f *figure) []any { return []any{&f.node, &f.way, &f.state, &f.n} }, `SELECT node, way, state, count(*) FROM cascade_batch WHERE ended_at = 0 GROUP BY node, way, state`)
	if err != nil {
		return nil, err
	}
	out := make([]NodeItem, len(all))
	for i, n := range all {
		out[i] = NodeItem{ID: n.ID, Code: n.Code, Name: n.Name, Role: n.Role, Transport: n.Transport, State: n.State, Heard: n.Heard, Tried: n.Tried, Next: n.Next, Failures: n.Failures, Why: c.say(ctx, n.Fault)}
		if out[i].Sync, err = syncOf(ctx, c.db, n.ID); err != nil {
			return nil, err
		}
		if out[i].Why == "" {
			out[i].Why = c.say(ctx, n.Damage)
		}
		for _, f := range figures {
			switch {
			case f.node != n.ID:
			case f.way == "in":
				out[i].Incoming += f.n
			case f.state == stateMade:
				out[i].Waiting += f.n
			default:
				out[i].Open += f.n
			}
		}
	}
	return out, nil
}

type nodesOut struct {
	Body struct {
		Self  Self       `json:"self"`
		Items []NodeItem `json:"items" nullable:"false"`
	}
}

func (c *Cascade) listNodes(ctx context.Context, _ *struct{}) (*nodesOut, error) {
	out := &nodesOut{}
	var err error
	if out.Body.Self, err = findSelf(ctx, c.db); err != nil {
		return nil, err
	}
	all, err := nodes(ctx, c.db, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	out.Body.Items, err = c.items(ctx, all)
	return out, err
}

type selfIn struct {
	Body struct {
		Code    string `json:"code" maxLength:"32"`
		Name    string `json:"name" minLength:"1" maxLength:"100"`
		Version int64  `json:"version"`
	}
}

type selfOut struct{ Body Self }

// saveSelf says how this node is known. Once a batch has been made the code stays: it stands in what was signed.
func (c *Cascade) saveSelf(ctx context.Context, in *selfIn) (*selfOut, error) {
	to := Self{in.Body.Code, strings.TrimSpace(in.Body.Name), in.Body.Version + 1}
	if !batch.ValidCode(to.Code) {
		return nil, errs.New(errs.Invalid, "cascade.node").With(errs.Field{Name: "code", Key: "cascade.bad_code"})
	}
	return &selfOut{to}, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		old, err := findSelf(ctx, tx)
		if err != nil {
			return err
		}
		used, err := store.Value[int](ctx, tx, `SELECT count(*) FROM (SELECT id FROM cascade_batch LIMIT 1) b`)
		if err != nil {
			return err
		}
		if used > 0 && old.Code != to.Code {
			return errs.New(errs.Conflict, "cascade.code_used", old.Code)
		}
		if err := writeSelf(ctx, tx, to); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.self", Object: "cascade_self", ID: "self", Title: to.Name, Detail: map[string]any{"code": to.Code}})
	})
}

// NodeForm is a peer as an administrator writes it.
type NodeForm struct {
	Code      string `json:"code" maxLength:"32"`
	Name      string `json:"name" maxLength:"100"`
	Role      Role   `json:"role" enum:"upper,lower"`
	PublicKey string `json:"publicKey" maxLength:"4096" doc:"PEM, from the other side's card"`
	Transport string `json:"transport" enum:"https,pull,wait,folder" doc:"https: both sides call; pull: this side calls for both; wait: the peer calls for both; folder: a gate carries files"`
	URL       string `json:"url" required:"false" maxLength:"300"`
	CA        string `json:"ca" required:"false" maxLength:"65536" doc:"PEM of the authority behind the peer's certificate, empty for those the machine trusts"`
	Pin       string `json:"pin" required:"false" maxLength:"120" doc:"SHA-256 of the peer's certificate, in hexadecimal; empty where its authority is believed"`
	Token     string `json:"token" required:"false" maxLength:"200" doc:"shared with the other side; empty makes one, or keeps it"`
	Out       string `json:"out" required:"false" maxLength:"400" doc:"folder a gate empties"`
	In        string `json:"in" required:"false" maxLength:"400" doc:"folder a gate fills"`
	Unit      string `json:"unit" required:"false" maxLength:"40" doc:"who answers here for what comes down"`
	Paused    bool   `json:"paused" required:"false"`
	Version   int64  `json:"version" required:"false"`
}

type nodeIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body NodeForm
}

type addIn struct{ Body NodeForm }

type nodeOut struct {
	Body struct {
		ID          string `json:"id"`
		Fingerprint string `json:"fingerprint"`
		Token       string `json:"token" doc:"shown once, empty when the caller gave it"`
	}
}

// fill puts the form into n and checks all of it.
func (c *Cascade) fill(ctx context.Context, n *Node, f *NodeForm) error {
	self, err := findSelf(ctx, c.db)
	if err != nil {
		return err
	}
	if self.Code == "" {
		return errs.New(errs.Conflict, "cascade.no_self")
	}
	n.Name, n.PublicKey, n.Transport, n.URL, n.CA, n.Pin, n.Out, n.In, n.Unit, n.State = strings.TrimSpace(f.Name), strings.TrimSpace(f.PublicKey)+"\n", f.Transport, strings.TrimSpace(f.URL), strings.TrimSpace(f.CA), f.Pin, f.Out, f.In, f.Unit, active
	if f.Paused {
		n.State = paused
	}
	if err := n.check(self); err != nil {
		return err
	}
	if n.Transport == overFolder {
		for name, dir := range map[string]string{"out": n.Out, "in": n.In} {
			if s, err := os.Stat(filepath.Clean(dir)); err != nil || !s.IsDir() {
				return errs.New(errs.Invalid, "cascade.node").With(errs.Field{Name: name, Key: "cascade.no_folder", Args: []any{dir}})
			}
		}
	}
	if n.Unit == "" {
		return nil
	}
	named, err := c.names.Units(ctx, c.db, []string{n.Unit})
	if err == nil && named[n.Unit] == "" {
		err = errs.New(errs.Invalid, "cascade.node").With(errs.Field{Name: "unit", Key: "cascade.no_unit"})
	}
	return err
}

func (c *Cascade) addNode(ctx context.Context, in *addIn) (*nodeOut, error) {
	n := &Node{ID: id.New(), Code: in.Body.Code, Role: in.Body.Role, At: store.At(c.now()), Version: 1}
	if err := c.fill(ctx, n, &in.Body); err != nil {
		return nil, err
	}
	out := &nodeOut{}
	token := strings.TrimSpace(in.Body.Token)
	if token == "" {
		token = "node_" + rand.Text()
		out.Body.Token = token
	}
	out.Body.ID, out.Body.Fingerprint = n.ID, n.Fingerprint
	n.Token = c.ring.Seal(tokenPlace(n.ID), []byte(token))
	return out, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertNode(ctx, tx, n); err != nil {
			return err
		}
		if n.Role == Upper { // what was published before it was known goes up too
			if err := c.beginSync(ctx, tx, n); err != nil {
				return err
			}
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.pair", Object: "cascade_node", ID: n.ID, Title: n.Name, Detail: n.detail()})
	})
}

func (n *Node) detail() map[string]any {
	return map[string]any{"code": n.Code, "role": n.Role, "fingerprint": n.Fingerprint, "transport": n.Transport, "url": n.URL, "pin": n.Pin, "ca": n.CA != "", "out": n.Out, "in": n.In, "unit": n.Unit, "state": n.State}
}

func (c *Cascade) saveNode(ctx context.Context, in *nodeIn) (*nodeOut, error) {
	n, err := findNode(ctx, c.db, store.C("n.id = $1", in.ID))
	if err != nil {
		return nil, err
	}
	if err := c.fill(ctx, &n, &in.Body); err != nil {
		return nil, err
	}
	n.Version = in.Body.Version + 1
	if token := strings.TrimSpace(in.Body.Token); token != "" {
		n.Token = c.ring.Seal(tokenPlace(n.ID), []byte(token))
	}
	out := &nodeOut{}
	out.Body.ID, out.Body.Fingerprint = n.ID, n.Fingerprint
	return out, c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveNode(ctx, tx, &n); err != nil {
			return err
		}
		if err := c.soon(ctx, tx, n.ID); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "cascade.change", Object: "cascade_node", ID: n.ID, Title: n.Name, Detail: n.detail()})
	})
}
