package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
)

// sizes are the memory sizes to measure, in MB.
var sizes = []int{128, 256, 512, 1024, 1769}

// measureMemory runs each function, warm, with the share of a core that comes with
// each memory size, and reports the 99th percentile of its duration.
func measureMemory(ctx context.Context, s *sheet) error {
	for _, memory := range sizes {
		log := &local.Reports{}
		stack, o, err := startStack(ctx, local.Config{LimitCPU: true, MemoryMB: memory, Log: log})
		if err != nil {
			return err
		}
		err = o.exercise(ctx, stack, 6) // starts the functions
		log.Take()
		before := childrenCPU(os.Getpid())
		if err == nil {
			err = o.exercise(ctx, stack, 30)
		}
		took, after := log.Take(), childrenCPU(os.Getpid())
		_ = stack.Close(ctx)
		if err != nil {
			return err
		}
		for _, f := range blueprint.Functions() {
			if len(took[f.Name]) > 0 { // no import runs here
				s.add(f.Name, fmt.Sprintf("%d MB", memory), percentile(took[f.Name], 99))
			}
		}
		if memory != sizes[len(sizes)-1] {
			continue
		}
		for _, f := range blueprint.Functions() {
			if len(took[f.Name]) == 0 {
				continue
			}
			cpu := (after[f.Name] - before[f.Name]) / float64(len(took[f.Name]))
			s.add(f.Name, "CPU ms", cpu)
			s.add(f.Name, "MB needed on paper", float64(needed(cpu)))
			s.add(f.Name, "MB deployed", float64(f.MemoryMB))
		}
	}
	return nil
}

// needed returns the smallest size at which twice the usual CPU of a run and two
// round trips of 5 ms take less than 30 ms.
func needed(cpu float64) int {
	const full, trips, most, slowest = 1769, 10, 30, 2
	for _, size := range sizes {
		if slowest*cpu*full/float64(size)+trips < most {
			return size
		}
	}
	return sizes[len(sizes)-1]
}

// exercise makes every function run n times or more, one call after the other,
// and waits until what follows has settled.
func (o *office) exercise(ctx context.Context, stack *local.Stack, n int) error {
	for range n {
		person := o.person()
		person["sendEmail"] = true
		var u struct {
			ID         string
			Invitation struct{ URL string }
		}
		if err := o.call(o.admin, http.MethodPost, o.path+"/users", person, &u); err != nil {
			return err
		}
		token, err := o.token(person["email"].(string))
		if err != nil {
			return err
		}
		link := "/v1/invitations/" + u.Invitation.URL[len(o.url+"/invite/"):]
		for _, call := range []struct {
			token, method, path string
			body                any
		}{
			{"", http.MethodGet, link, nil},
			{token, http.MethodPut, "/v1/me", nil},
			{token, http.MethodPost, link + "/accept", nil},
			{o.admin, http.MethodGet, o.path, nil},
			{o.admin, http.MethodGet, o.path + "/users?limit=50", nil},
			{o.admin, http.MethodPatch, o.path + "/users/" + u.ID, map[string]any{"name": "Jo Doe"}},
			{o.admin, http.MethodPost, o.path + "/users/" + u.ID + "/archive", nil},
		} {
			if err := o.call(call.token, call.method, call.path, call.body, nil); err != nil {
				return err
			}
		}
		if _, err := stack.Invoke(ctx, "expire", []byte("{}")); err != nil {
			return err
		}
	}
	time.Sleep(3 * time.Second) // mail, its notices, and their events
	return nil
}
