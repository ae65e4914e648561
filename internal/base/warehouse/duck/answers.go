package duck

import (
	lru "container/list"
	"crypto/sha256"
	"encoding/json"
	"sync"

	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/duck/scope"
)

// Bounds of the answers that are kept.
const (
	keptAnswers = 200
	keptCells   = 10_000 // of one answer; larger ones are worked out again
)

// answers keeps small answers to readers' questions. A version never changes and a statement gives the same for the same
// rows, so an answer is right for ever; its key holds everything that made it, the columns and rows the reader sees included.
type answers struct {
	mu    sync.Mutex
	byKey map[[32]byte]*lru.Element
	used  lru.List // of *keptAnswer, last used first
}

type keptAnswer struct {
	key    [32]byte
	answer *warehouse.Answer
}

// askedKey is everything an answer depends on.
func askedKey(tree *scope.Tree, faces []warehouse.Face, args map[string]any, l warehouse.Limits) (key [32]byte, err error) {
	text := tree.Write(func(i int) string { return "\x00" + faces[i].Version }, func(i int) string { return "\x00$" + tree.Params[i] }, l.Now.In(warehouse.Zone()))
	types := map[string]string{}
	for name, v := range args {
		types[name] = physicalOf(v)
	}
	b, err := json.Marshal([]any{text, faces, args, types, l.Rows})
	return sha256.Sum256(b), err
}

func (a *answers) get(key [32]byte) *warehouse.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok := a.byKey[key]
	if !ok {
		return nil
	}
	a.used.MoveToFront(e)
	return e.Value.(*keptAnswer).answer
}

func (a *answers) put(key [32]byte, answer *warehouse.Answer) {
	if len(answer.Rows)*len(answer.Columns) > keptCells {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byKey == nil {
		a.byKey = map[[32]byte]*lru.Element{}
	}
	if _, ok := a.byKey[key]; ok {
		return
	}
	a.byKey[key] = a.used.PushFront(&keptAnswer{key, answer})
	if a.used.Len() > keptAnswers {
		last := a.used.Back()
		a.used.Remove(last)
		delete(a.byKey, last.Value.(*keptAnswer).key)
	}
}
