package notify

import (
	"context"

	"qushu/internal/base/store"
)

// Unread returns how many notices a person has not read, 1000 for that many or more.
func (n *Notes) Unread(ctx context.Context, q store.Queryer, person string) (int, error) {
	u, err := unread(ctx, q, person)
	return u.Count, err
}
