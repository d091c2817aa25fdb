package trace_test

import (
	"context"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/shared/trace"
)

func TestAnIDIsSafeInTagsAndLogs(t *testing.T) {
	for in, want := range map[string]string{
		"Hk3xYgB/oA+EV1w=": "Hk3xYgB_oA-EV1w", "": "", "john@corp.com\nx": "johncorpcomx", "é": "", strings.Repeat("a", 99): strings.Repeat("a", 64),
	} {
		if got := trace.Of(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestAContextKeepsItsID(t *testing.T) {
	ctx := trace.With(context.Background(), "a")
	if trace.ID(ctx) != "a" || trace.ID(trace.With(ctx, "")) != "a" || trace.ID(context.Background()) != "" {
		t.Error("the id is not kept")
	}
}
