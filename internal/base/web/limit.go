package web

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"qushu/internal/base/errs"
)

// limiter gives every client address a bucket of its own and forgets it when it is full again.
type limiter struct {
	rate  rate.Limit
	burst int
	mu    sync.Mutex
	all   map[string]*bucket
	swept time.Time
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func (l *limiter) allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		for k, b := range l.all {
			if now.Sub(b.used) > 5*time.Minute {
				delete(l.all, k)
			}
		}
		l.swept = now
	}
	b := l.all[key]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(l.rate, l.burst)}
		l.all[key] = b
	}
	b.used = now
	return b.AllowN(now, 1)
}

// The address's bucket is this many times a person's: an office stands behind one address.
const perAddress = 20

func (s *Server) limit(next http.Handler) http.Handler {
	if s.opts.Rate <= 0 {
		return next
	}
	l := newLimiter(s.opts.Rate*perAddress, s.opts.Burst*perAddress)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.allow(From(r.Context()).IP, time.Now()) {
			s.Write(w, r, errs.New(errs.Limited, "web.limited"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitPerson bounds each signed-in subject, after it is known.
func (s *Server) limitPerson(next http.Handler) http.Handler {
	if s.opts.Rate <= 0 {
		return next
	}
	l := newLimiter(s.opts.Rate, s.opts.Burst)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who := From(r.Context()).Who; who != "" && !l.allow(who, time.Now()) {
			s.Write(w, r, errs.New(errs.Limited, "web.limited"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: max(burst, 1), all: map[string]*bucket{}}
}
