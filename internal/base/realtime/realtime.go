// Package realtime pushes to browsers over WebSocket (centrifuge). Every signed-in browser is
// subscribed by the server to the channel of its person; other channels are opened by the rooms
// that own them. A browser that was away gets what it missed, as far as the history reaches.
//
// Messages are hints that something changed, never the only copy: what must not be lost is a row.
package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

// History of a channel: how many messages, for how long.
const (
	keepMessages = 300
	keepFor      = 10 * time.Minute
)

// Who tells who opened a connection, "" for nobody. The chain before it has authenticated the request.
type Who func(ctx context.Context) (person string)

// Allow says whether a person may subscribe to a channel of one namespace: "<room>:<id>".
type Allow func(ctx context.Context, person, channel string) error

// Hub is one replica's node.
type Hub struct {
	node   *centrifuge.Node
	who    Who
	allows map[string]Allow
}

// New returns a hub; redisURL connects the replicas' hubs, "" keeps messages in the process.
func New(redisURL string, who Who) (*Hub, error) {
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelWarn, LogHandler: logged,
		ClientStaleCloseDelay: 15 * time.Second, ClientChannelLimit: 64})
	if err != nil {
		return nil, fmt.Errorf("realtime: %w", err)
	}
	h := &Hub{node: node, who: who, allows: map[string]Allow{}}
	if redisURL != "" {
		if err := h.useRedis(redisURL); err != nil {
			return nil, err
		}
	}
	node.OnConnecting(h.connecting)
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(e centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(h.subscribing(c, e))
		})
		c.OnPresence(func(e centrifuge.PresenceEvent, reply centrifuge.PresenceCallback) {
			if !c.IsSubscribed(e.Channel) {
				reply(centrifuge.PresenceReply{}, centrifuge.ErrorPermissionDenied)
				return
			}
			reply(centrifuge.PresenceReply{}, nil)
		})
	})
	return h, nil
}

func (h *Hub) useRedis(redisURL string) error {
	shard, err := centrifuge.NewRedisShard(h.node, centrifuge.RedisShardConfig{Address: redisURL})
	if err != nil {
		return fmt.Errorf("realtime: Redis cannot be reached: %w", err)
	}
	shards := []*centrifuge.RedisShard{shard}
	broker, err1 := centrifuge.NewRedisBroker(h.node, centrifuge.RedisBrokerConfig{Shards: shards, Prefix: "qushu"})
	presence, err2 := centrifuge.NewRedisPresenceManager(h.node, centrifuge.RedisPresenceManagerConfig{Shards: shards, Prefix: "qushu"})
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("realtime: %w", err)
	}
	h.node.SetBroker(broker)
	h.node.SetPresenceManager(presence)
	return nil
}

func logged(e centrifuge.LogEntry) { slog.Warn("realtime: "+e.Message, "fields", e.Fields) }

// Channel is the one of a person.
func Channel(person string) string { return "person:" + person }

func options() centrifuge.SubscribeOptions {
	return centrifuge.SubscribeOptions{EmitPresence: true, EnableRecovery: true}
}

func (h *Hub) connecting(ctx context.Context, _ centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
	person := h.who(ctx)
	if person == "" {
		return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
	}
	return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: person},
		Subscriptions: map[string]centrifuge.SubscribeOptions{Channel(person): options()}}, nil
}

func (h *Hub) subscribing(c *centrifuge.Client, e centrifuge.SubscribeEvent) (centrifuge.SubscribeReply, error) {
	space, _, ok := strings.Cut(e.Channel, ":")
	allow := h.allows[space]
	if !ok || allow == nil || allow(c.Context(), c.UserID(), e.Channel) != nil {
		return centrifuge.SubscribeReply{}, centrifuge.ErrorPermissionDenied
	}
	return centrifuge.SubscribeReply{Options: options()}, nil
}

// Open lets browsers subscribe to the channels "<space>:…" as allow says. It comes before Run.
func (h *Hub) Open(space string, allow Allow) { h.allows[space] = allow }

// Run starts the node.
func (h *Hub) Run() error { return h.node.Run() }

// Close ends every connection.
func (h *Hub) Close(ctx context.Context) error { return h.node.Shutdown(ctx) }

// Push sends payload to every browser of a person.
func (h *Hub) Push(person string, payload any) error { return h.Publish(Channel(person), payload) }

// Publish sends payload to a channel.
func (h *Hub) Publish(channel string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("realtime: %w", err)
	}
	_, err = h.node.Publish(channel, b, centrifuge.WithHistory(keepMessages, keepFor))
	return err
}

// Online reports how many browsers of a person are connected, on all replicas.
func (h *Hub) Online(person string) (int, error) {
	p, err := h.node.PresenceStats(Channel(person))
	if err != nil {
		return 0, err
	}
	return p.NumClients, nil
}

// Drop ends the connections of a person; those whose session still stands come back by themselves.
func (h *Hub) Drop(person string) error {
	return h.node.Disconnect(person, centrifuge.WithCustomDisconnect(centrifuge.DisconnectForceReconnect))
}

// Handler serves /realtime/connection/websocket. Only pages of this site may open it.
func (h *Hub) Handler() http.Handler {
	return centrifuge.NewWebsocketHandler(h.node, centrifuge.WebsocketConfig{CheckOrigin: sameSite, MessageSizeLimit: 64 << 10})
}

func sameSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not a browser
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}
