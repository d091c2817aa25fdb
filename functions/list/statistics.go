package main

import (
	"context"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

// steps are the counts of a day, or of all days.
type steps struct {
	Invited   int `json:"invited"`
	Delivered int `json:"delivered"`
	Bounced   int `json:"bounced"`
	Accepted  int `json:"accepted"`
	Declined  int `json:"declined"`
	Expired   int `json:"expired"`
}

func showSteps(n [workspace.Steps]int) steps {
	return steps{
		n[workspace.Invitations], n[workspace.Delivered], n[workspace.Bounced],
		n[workspace.Accepted], n[workspace.Declined], n[workspace.Expired],
	}
}

type daily struct {
	Date string `json:"date"`
	steps
}

type statistics struct {
	Days                  []daily `json:"days"` // today last
	Totals                steps   `json:"totals"`
	MedianSecondsToAccept *int    `json:"medianSecondsToAccept"`
}

// statistics returns the outcomes of a workspace's invitations, day by day.
func (h handler) statistics(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err == nil {
		err = unknown(r).Err()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	days, err := h.store.Statistics(ctx, g.Workspace.ID, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := statistics{Days: make([]daily, len(days))}
	var totals [workspace.Steps]int
	for i, d := range days {
		out.Days[i] = daily{d.Date, showSteps(d.Counts)}
		for step, n := range d.Counts {
			totals[step] += n
		}
	}
	out.Totals = showSteps(totals)
	if median, ok := workspace.MedianWait(days); ok {
		seconds := int(median.Seconds())
		out.MedianSecondsToAccept = &seconds
	}
	return httpapi.OK(out), nil
}
