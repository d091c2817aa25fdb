package bench

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/capacity"
)

var (
	importRows  = flag.Int("import-rows", 1000, "how many people BenchmarkImport imports")
	importQuiet = flag.Bool("import-quiet", false, "import them without mails")
)

// BenchmarkImport reports how long an import takes from its start, and what each
// row consumes: when it is added, when it is invited, and by what follows.
func BenchmarkImport(b *testing.B) {
	const chunk = 500
	for b.Loop() {
		o, meter := newOffice(b)
		o.settle(meter)
		path := o.path + "/imports/" + o.call(o.admin, "POST", o.path+"/imports", nil)["id"].(string)
		for first := 1; first <= *importRows; first += chunk {
			people := make([]any, min(chunk, *importRows-first+1))
			for i := range people {
				person := o.person()
				person["sendEmail"] = !*importQuiet
				people[i] = person
			}
			o.call(o.admin, "POST", fmt.Sprintf("%s/rows?firstRow=%d", path, first), map[string]any{"users": people})
		}
		adding := o.settle(meter)["invite"]
		began := time.Now()
		o.call(o.admin, "POST", path+"/start", nil)
		for {
			i := o.call(o.admin, "GET", path+"?limit=1", nil)["import"].(map[string]any)
			if i["status"] == "done" {
				if n := int(i["created"].(float64)); n != *importRows {
					b.Fatalf("%d of %d were created: %v", n, *importRows, i)
				}
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		took := time.Since(began)
		rows := float64(*importRows)
		var behind capacity.Units
		for function, u := range o.settle(meter) {
			switch function {
			case "list", "invite":
			case "import":
				b.ReportMetric(u.Read/rows, "RCU/row")
				b.ReportMetric(u.Write/rows, "WCU/row")
			default:
				behind.Read, behind.Write = behind.Read+u.Read, behind.Write+u.Write
			}
		}
		b.ReportMetric(adding.Write/rows, "WCU-adding/row")
		b.ReportMetric(behind.Read/rows, "RCU-behind/row")
		b.ReportMetric(behind.Write/rows, "WCU-behind/row")
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(0, "ns/op")
	}
}
