package main

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"

	"qushu/internal/base/config"
)

// startTraces sends OpenTelemetry spans when a collector is configured.
func startTraces(ctx context.Context, cfg *config.Config) (stop func(), err error) {
	if cfg.Otel.Endpoint == "" {
		return func() {}, nil
	}
	exp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Otel.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces cannot be sent to %s: %w", cfg.Otel.Endpoint, err)
	}
	tp := trace.NewTracerProvider(trace.WithBatcher(exp), trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(0.1))))
	otel.SetTracerProvider(tp)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = tp.Shutdown(ctx)
	}, nil
}
