package flow

import (
	"context"
	"errors"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
)

// Ended is what became of one task of a batch.
type Ended struct {
	Task    string `json:"task"`
	Number  string `json:"number"`
	OK      bool   `json:"ok"`
	Message string `json:"message" doc:"why not"`
}

type batchIn struct {
	Body struct {
		Tasks   []string `json:"tasks" minItems:"1" maxItems:"100" doc:"ids of the caller's tasks, all at steps that allow it"`
		Outcome string   `json:"outcome,omitempty" maxLength:"40"`
		Opinion string   `json:"opinion,omitempty" maxLength:"2000"`
		Reason  string   `json:"reason,omitempty" maxLength:"500"`
	}
}

type batchOut struct {
	Body struct {
		Items []Ended `json:"items" nullable:"false" doc:"one for each task, in their order"`
		Done  int     `json:"done"`
	}
}

// batch submits several tasks alike, each in a transaction of its own: what is refused is said, the others go on.
func (f *Flow) batch(ctx context.Context, in *batchIn) (*batchOut, error) {
	out := &batchOut{}
	out.Body.Items = []Ended{}
	for _, task := range in.Body.Tasks {
		e := Ended{Task: task}
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			k, err := store.One(ctx, tx, scanTask, `SELECT `+taskColumns+` FROM flow_task k WHERE k.id = $1`, task)
			if errs.Is(err, errs.Missing) {
				return errs.New(errs.Missing, "flow.no_task")
			}
			if err != nil {
				return err
			}
			c, err := f.readable(ctx, tx, k.Case)
			if err != nil {
				return err
			}
			e.Number = c.Number
			_, p, err := f.drawing(ctx, tx, c.Kind, c.def)
			if err != nil {
				return err
			}
			if !f.task(p, k.Node).Batch {
				return errs.New(errs.Denied, "flow.one_by_one")
			}
			_, err = f.Do(ctx, tx, Deed{Case: k.Case, Verb: "submit", Task: task, Outcome: in.Body.Outcome, Opinion: in.Body.Opinion, Reason: in.Body.Reason})
			return err
		})
		switch kind := errs.KindOf(err); {
		case err == nil:
			e.OK = true
			out.Body.Done++
		case kind == errs.Internal || kind == errs.Busy:
			return nil, err
		default:
			e.Message = f.wordsOf(ctx, err)
		}
		out.Body.Items = append(out.Body.Items, e)
	}
	return out, nil
}

// wordsOf is an error in the caller's language: its first reason when it has any.
func (f *Flow) wordsOf(ctx context.Context, err error) string {
	lang := web.From(ctx).Lang
	var e *errs.Error
	if !errors.As(err, &e) {
		return f.words.Text(lang, "web.internal")
	}
	if len(e.Fields) > 0 {
		return f.words.Text(lang, e.Fields[0].Key, e.Fields[0].Args...)
	}
	return f.words.Text(lang, e.Key, e.Args...)
}
