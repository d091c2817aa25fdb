package history

import (
	crypto "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/linkkey"
)

// trouble is all that goes wrong around a stack in this process.
type trouble struct {
	// mild spares the function mail what may take its run away while it has a
	// mail: the mail would wait for the end of its lease, a minute.
	mild bool

	mu     sync.Mutex
	on     bool
	random *rand.Rand
	counts map[string]int
	seen   map[string][]string // bodies of messages, by queue
	late   sync.WaitGroup
}

func newTrouble(seed uint64, mild bool) *trouble {
	return &trouble{mild: mild, random: rand.New(rand.NewPCG(seed, 0)), counts: map[string]int{}, seen: map[string][]string{}}
}

func (f *trouble) set(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
}

// dice returns a number below 1,000, and false if no fault is due.
func (f *trouble) dice() (n int, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(1000), f.on
}

func (f *trouble) count(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[what]++
}

// summary lists what went wrong how often.
func (f *trouble) summary() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, what := range slices.Sorted(maps.Keys(f.counts)) {
		all = append(all, fmt.Sprintf("%s %d", what, f.counts[what]))
	}
	return strings.Join(all, ", ")
}

// table is the stack's TableFault.
func (f *trouble) table(c local.TableCall) (befalls local.TableFault) {
	n, on := f.dice()
	if !on {
		return befalls
	}
	severe := !f.mild || c.Function != "mail"
	what := ""
	switch {
	case n < 30:
		what, befalls.Refuse = "throttled", local.TooBusy
	case n < 50 && c.Operation == "TransactWriteItems" && c.First: // a repeat of one that went through is not refused
		what, befalls.Refuse = "conflicts", local.Canceled
	case n < 60:
		what, befalls.Cut = "cut off", true
	case n < 90:
		what, befalls.Hold = "slow", time.Duration(n)*4*time.Millisecond
	case n < 95 && severe:
		what, befalls.Refuse = "failing", local.Broken
	case n < 97 && isQuick(c.Function):
		what, befalls.Hold = "timed out", time.Minute
	}
	if what != "" {
		f.count(what)
	}
	return befalls
}

// isQuick reports whether a function has 10 seconds at most, so that waiting for
// its deadline is not long.
func isQuick(function string) bool {
	return slices.ContainsFunc(blueprint.Functions(), func(f blueprint.Function) bool {
		return f.Name == function && f.Timeout <= 10*time.Second
	})
}

// around is the stack's Around: it hands a function what its stream or queue has
// for it once more, at once, later, in the other order, or cut in two.
func (f *trouble) around(function string, event []byte, invoke func([]byte) ([]byte, error)) ([]byte, error) {
	queue := map[string]string{"mail": blueprint.QueueMail, "feedback": blueprint.QueueFeedback}[function]
	if queue == "" && function != "publish" {
		return invoke(event)
	}
	var in struct{ Records []json.RawMessage }
	n, on := f.dice()
	if !on || json.Unmarshal(event, &in) != nil {
		return invoke(event)
	}
	f.keep(queue, in.Records)
	switch {
	case n < 150:
		f.count("delivered twice")
		_, _ = invoke(event)
	case n < 250:
		f.count("delivered late")
		f.late.Go(func() {
			time.Sleep(time.Duration(n) * 20 * time.Millisecond)
			_, _ = invoke(event)
		})
	case n < 550 && len(in.Records) > 1:
		f.count("cut in two")
		half := len(in.Records) / 2
		first, second := records(in.Records[:half]), records(in.Records[half:])
		if n < 400 { // and the second half comes before the first one, too
			f.count("out of order")
			_, _ = invoke(second)
		}
		answer, err := invoke(first)
		if failed, bad := messaging.FailedItems(answer); err != nil || bad != nil || len(failed) > 0 {
			return answer, err // the second half comes again with the rest
		}
		return invoke(second)
	}
	return invoke(event)
}

func records(of []json.RawMessage) []byte {
	raw, _ := json.Marshal(map[string]any{"Records": of}) // which was read from JSON
	return raw
}

// keep remembers messages of a queue.
func (f *trouble) keep(queue string, of []json.RawMessage) {
	if queue == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, raw := range of {
		f.seen[queue] = append(f.seen[queue], textOf(string(raw), "body"))
	}
}

// textOf reads a text out of a JSON object; "" where there is none.
func textOf(object, name string) string {
	var in map[string]any
	_ = json.Unmarshal([]byte(object), &in)
	text, _ := in[name].(string)
	return text
}

// redrive puts a few old messages into a dead-letter queue, and empties it
// into its source twice, with the same ones.
func (f *trouble) redrive(t *testing.T, queues *messaging.Queues) {
	for dead, queue := range map[string]string{blueprint.QueueMailDead: blueprint.QueueMail, blueprint.QueueFeedbackDead: blueprint.QueueFeedback} {
		f.mu.Lock()
		old := slices.Clone(f.seen[queue])
		f.random.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
		f.mu.Unlock()
		for range 2 {
			for _, body := range old[:min(len(old), 5)] {
				if _, err := queues.Send(dead, body, nil); err != nil {
					t.Error(err)
				}
			}
			moved, err := queues.Redrive(dead, queue)
			if err != nil {
				t.Error(err)
			}
			f.mu.Lock()
			f.counts["redriven"] += moved
			f.mu.Unlock()
		}
	}
}

// rotate adds a version of the link key, as docs/operations.md does: it verifies
// at once, and signs when every function knows it. It returns false where there
// is no key yet.
func (f *trouble) rotate(t *testing.T, stack *local.Stack) bool {
	wrapped, err := datakey.FromEnv(stack.Env(), crypto.Reader).NewLinkKey(t.Context())
	if err != nil {
		t.Error(err)
		return true
	}
	signs := time.Now().Add(2 * linkkey.Refresh).Unix()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err = stack.DB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(local.TableName), Key: map[string]types.AttributeValue{"pk": text("LINKKEYS"), "sk": text("LINKKEYS")},
		ConditionExpression: aws.String("attribute_exists(pk)"), UpdateExpression: aws.String("SET #k = list_append(#k, :new)"),
		ExpressionAttributeNames: map[string]string{"#k": "keys"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":new": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
				"key": &types.AttributeValueMemberB{Value: wrapped}, "from": &types.AttributeValueMemberN{Value: strconv.FormatInt(signs, 10)},
			}},
		}}},
	})
	if none := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &none) {
		return false
	}
	if err != nil {
		t.Error(err)
		return true
	}
	f.count("link keys rotated")
	return true
}

// kill ends an instance of a function, whatever it is doing.
func (f *trouble) kill() {
	var names []string
	for _, fn := range blueprint.Functions() {
		if !f.mild || fn.Name != "mail" {
			names = append(names, fn.Name)
		}
	}
	pids := childrenLike("/(" + strings.Join(names, "|") + ")/bootstrap")
	if len(pids) == 0 {
		return
	}
	n, _ := f.dice()
	if syscall.Kill(pids[n%len(pids)], syscall.SIGKILL) == nil {
		f.count("killed")
	}
}

// stop suspends DynamoDB Local for a time.
func (f *trouble) stop(t *testing.T, d time.Duration) {
	pids := childrenLike("DynamoDBLocal")
	if len(pids) == 0 {
		t.Error("DynamoDB Local does not run")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	}
	f.count("table stopped")
	time.Sleep(d)
}

// childrenLike returns the children of this process whose command line matches
// the pattern.
func childrenLike(pattern string) (pids []int) {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(os.Getpid()), "-f", "--", pattern).Output()
	if err != nil {
		return nil // there are none
	}
	for _, text := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(text); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
