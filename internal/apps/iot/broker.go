package iot

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"qushu/internal/base/errs"
)

// Options say where devices connect.
type Options struct {
	Listen    string // host:port; "" for nowhere
	Cert, Key string // PEM files; off this machine they must be there
	Lenient   bool   // where the address is taken go without a broker, for it was nobody's wish
	Bound     func(net.Addr)
}

// serve is the broker, MQTT 3.1.1 and 5, until ctx ends.
func (x *IoT) serve(ctx context.Context) error {
	if x.options.Listen == "" {
		return nil
	}
	l, err := x.listen()
	if errors.Is(err, syscall.EADDRINUSE) && x.options.Lenient {
		slog.WarnContext(ctx, "iot: another program has the port of devices; set mqtt.listen to another", "listen", x.options.Listen)
		return nil
	}
	if err != nil {
		return err
	}
	able := mqtt.NewDefaultServerCapabilities()
	able.MaximumPacketSize, able.MaximumClients, able.MinimumProtocolVersion = maxPayload+4096, 20_000, 4
	able.MaximumSessionExpiryInterval, able.SharedSubAvailable, able.MaximumInflight = 86_400, 0, 1024
	server := mqtt.New(&mqtt.Options{Capabilities: able, Logger: slog.New(slog.DiscardHandler), ClientNetReadBufferSize: 4096, ClientNetWriteBufferSize: 4096})
	if err := server.AddHook(&hook{x: x, ctx: ctx, server: server}, nil); err != nil {
		return fmt.Errorf("iot: %w", err)
	}
	if err := server.AddListener(listeners.NewNet("devices", l)); err != nil {
		return fmt.Errorf("iot: %w", err)
	}
	if err := server.Serve(); err != nil {
		return fmt.Errorf("iot: %w", err)
	}
	x.mu.Lock()
	x.server = server
	x.mu.Unlock()
	if x.options.Bound != nil {
		x.options.Bound(l.Addr())
	}
	<-ctx.Done()
	x.mu.Lock()
	x.server = nil
	x.mu.Unlock()
	return server.Close()
}

func (x *IoT) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", x.options.Listen)
	if err != nil {
		return nil, fmt.Errorf("iot: %w", err)
	}
	if x.options.Cert == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(x.options.Cert, x.options.Key)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("iot: %w", err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

// hangUp ends the connections of a device that may no longer send.
func (x *IoT) hangUp(code string) {
	x.mu.Lock()
	server := x.server
	delete(x.lines, code)
	x.mu.Unlock()
	if server == nil {
		return
	}
	for _, cl := range server.Clients.GetAll() {
		if string(cl.Properties.Username) == code {
			_ = server.DisconnectClient(cl, packets.ErrNotAuthorized)
		}
	}
}

// hook is what the broker asks.
type hook struct {
	mqtt.HookBase
	x      *IoT
	ctx    context.Context
	server *mqtt.Server
}

// ID implements mqtt.Hook.
func (h *hook) ID() string { return "qushu" }

// Provides implements mqtt.Hook.
func (h *hook) Provides(b byte) bool {
	return bytes.Contains([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnWill}, []byte{b})
}

// patience bounds what a device waits for.
const patience = 30 * time.Second

// OnConnectAuthenticate lets a device in by its code and key. It may not take another's session over.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	code := string(pk.Connect.Username)
	l, err := h.x.line(ctx, code)
	if err != nil {
		return false
	}
	return h.x.known(&l.dev, string(pk.Connect.Password)) && ownClient(code, cl.ID)
}

// OnACLCheck keeps a device to its own topics.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	code := string(cl.Properties.Username)
	if write {
		return mayPublish(code, topic)
	}
	return maySubscribe(code, topic)
}

// OnWill drops a last will to a topic that is not the device's.
func (h *hook) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if !mayPublish(string(cl.Properties.Username), will.TopicName) || will.TopicName == upTopic(string(cl.Properties.Username)) {
		return mqtt.Will{}, nil
	}
	return will, nil
}

// OnPublish keeps what comes in before the broker acknowledges it: PUBACK and PUBREC mean on disk. What cannot be kept now is not
// acknowledged: the connection ends, and the device sends again. What is wrong and would be wrong again is acknowledged, to MQTT 5
// with a reason, and stands in the device's register.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	code := string(cl.Properties.Username)
	if pk.TopicName != upTopic(code) {
		return pk, nil
	}
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	l, err := h.x.line(ctx, code)
	if err == nil {
		err = h.x.receive(ctx, l, pk.Payload)
	}
	switch {
	case err == nil:
		return pk, nil
	case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge):
		if cl.Properties.ProtocolVersion == 5 && pk.FixedHeader.Qos == 1 {
			return pk, packets.ErrPayloadFormatInvalid
		}
		return pk, nil
	case errs.Is(err, errs.Missing):
		go h.server.DisconnectClient(cl, packets.ErrNotAuthorized)
	default:
		slog.WarnContext(ctx, "iot: a message could not be kept and was not acknowledged", "device", code, "error", err)
		cl.Stop(packets.ErrServerBusy)
	}
	return pk, packets.ErrRejectPacket
}
