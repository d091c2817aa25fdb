package gateway

import (
	"fmt"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// route is a served route.
type route struct {
	key      string
	method   string
	segments []segment
	auth     blueprint.Auth
	bucket   *bucket
	invoker  Invoker
}

// segment is one part of a path: a text, or a parameter of that name.
type segment struct {
	text  string
	param bool
}

// routes finds the route of a request. There are a few dozen at most, so it
// looks at each.
type routes struct {
	list []*route
}

func newRoutes(cfg Config, now func() time.Time) (*routes, error) {
	rs := &routes{}
	seen := map[string]bool{}
	for _, f := range cfg.Functions {
		if len(f.Routes) == 0 {
			continue
		}
		if cfg.Invoker == nil {
			return nil, fmt.Errorf("function %s: nothing invokes it", f.Name)
		}
		invoker := cfg.Invoker(f.Name)
		if invoker == nil {
			return nil, fmt.Errorf("function %s: nothing invokes it", f.Name)
		}
		for _, r := range f.Routes {
			segments, err := parsePath(r.Path)
			switch {
			case err != nil:
				return nil, fmt.Errorf("route %s: %w", r.Key(), err)
			case r.Auth != blueprint.Public && cfg.Authorizer == nil:
				return nil, fmt.Errorf("route %s: no authorizer guards it", r.Key())
			case r.Throttle.Rate < 1 || r.Throttle.Burst < 1:
				return nil, fmt.Errorf("route %s: throttle %d/%d would let nobody in", r.Key(), r.Throttle.Rate, r.Throttle.Burst)
			}
			added := &route{
				key: r.Key(), method: r.Method, segments: segments, auth: r.Auth,
				bucket: newBucket(r.Throttle, now), invoker: invoker,
			}
			shape := added.shape()
			if seen[shape] {
				return nil, fmt.Errorf("route %s: another one matches the same requests", r.Key())
			}
			seen[shape] = true
			rs.list = append(rs.list, added)
		}
	}
	return rs, nil
}

func parsePath(path string) ([]segment, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, fmt.Errorf("path %q does not start with /", path)
	}
	var segments []segment
	for part := range strings.SplitSeq(rest, "/") {
		name, isParam := strings.CutPrefix(part, "{")
		if !isParam {
			segments = append(segments, segment{text: part})
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{}+") {
			return nil, fmt.Errorf("parameter %q is not one that this gateway knows", part)
		}
		segments = append(segments, segment{text: name, param: true})
	}
	return segments, nil
}

// shape is the same for two routes that match the same requests.
func (r *route) shape() string {
	parts := []string{r.method}
	for _, s := range r.segments {
		if s.param {
			parts = append(parts, "{}")
		} else {
			parts = append(parts, s.text)
		}
	}
	return strings.Join(parts, "/")
}

// match finds the most specific route of this method for a decoded path, and
// what its parameters are. API Gateway decodes the path before it looks, so an
// encoded slash separates segments like any other.
func (rs *routes) match(method, path string) (*route, map[string]string) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, nil
	}
	parts := strings.Split(rest, "/")
	var best *route
	for _, r := range rs.list {
		if r.method == method && r.matches(parts) && (best == nil || r.moreSpecific(best)) {
			best = r
		}
	}
	if best == nil {
		return nil, nil
	}
	var params map[string]string
	for i, s := range best.segments {
		if s.param {
			if params == nil {
				params = map[string]string{}
			}
			params[s.text] = parts[i]
		}
	}
	return best, params
}

func (r *route) matches(parts []string) bool {
	if len(parts) != len(r.segments) {
		return false
	}
	for i, s := range r.segments {
		if s.param && parts[i] == "" || !s.param && parts[i] != s.text {
			return false
		}
	}
	return true
}

// moreSpecific compares routes that match the same path: where they differ
// first, a text beats a parameter.
func (r *route) moreSpecific(other *route) bool {
	for i, s := range r.segments {
		if s.param != other.segments[i].param {
			return other.segments[i].param
		}
	}
	return false
}
