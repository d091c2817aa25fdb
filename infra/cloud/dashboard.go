package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addDashboard makes the one page to look at: the funnel, then whether people
// wait, then what costs money.
func (l *Latchkey) addDashboard() {
	const day = 24 * 60
	mail := func(outcome string) awscloudwatch.IMetric { return l.counted("mail", "outcome", outcome, day) }
	event := func(kind string) awscloudwatch.IMetric { return l.counted("event", "type", kind, day) }
	ses := func(name string) awscloudwatch.IMetric {
		return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsii.String("AWS/SES"), MetricName: &name, Label: &name,
			DimensionsMap: &map[string]*string{"ses:configuration-set": l.configurationSet},
			Statistic:     jsii.String("Sum"), Period: minutes(day),
		})
	}
	graph := func(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
			Title: &title, Width: jsii.Number(8), Height: jsii.Number(6), Left: &metrics,
		})
	}
	latency := func(statistic string) awscloudwatch.IMetric {
		return l.API.MetricLatency(&awscloudwatch.MetricOptions{Statistic: &statistic, Period: minutes(5), Label: &statistic})
	}
	each := func(metric func(name string) awscloudwatch.IMetric) []awscloudwatch.IMetric {
		var all []awscloudwatch.IMetric
		for _, f := range blueprint.Functions() {
			all = append(all, metric(f.Name))
		}
		return all
	}
	durations := each(func(name string) awscloudwatch.IMetric {
		return l.functions[name].MetricDuration(&awscloudwatch.MetricOptions{Statistic: jsii.String("p95"), Period: minutes(5), Label: &name})
	})
	runs := each(func(name string) awscloudwatch.IMetric {
		return l.functions[name].MetricInvocations(&awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutes(60), Label: &name})
	})
	dashboard := awscloudwatch.NewDashboard(l.scope, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: l.global(""),
	})
	dashboard.AddWidgets(
		graph("Invitations by day", event("user.invited"), event("user.accepted"), event("user.declined"), event("user.expired")),
		graph("Mail by day", ses("Send"), ses("Delivery"), ses("Bounce"), ses("Complaint")),
		graph("Requests", l.API.MetricCount(sum(5)), l.API.MetricClientError(sum(5)), l.API.MetricServerError(sum(5))),
	)
	dashboard.AddWidgets(
		graph("Latency of the API, ms", latency("p50"), latency("p95"), latency("p99")),
		graph("Duration of the functions, p95, ms", durations...),
		graph("What waits: stream and queues", l.waiting()...),
	)
	dashboard.AddWidgets(
		graph("Runs by hour", runs...),
		graph("Read and write units by hour",
			l.Table.MetricConsumedReadCapacityUnits(sum(60)), l.Table.MetricConsumedWriteCapacityUnits(sum(60))),
		graph("Table throttled", l.tableMetric("ReadThrottleEvents"), l.tableMetric("WriteThrottleEvents")),
	)
	dashboard.AddWidgets(
		graph("Events for mail by day and outcome", mail("sent"), mail("skipped"), mail("again"), mail("postponed"), mail("failed")),
	)
}

// waiting is the age of what functions have not taken yet.
func (l *Latchkey) waiting() []awscloudwatch.IMetric {
	var all []awscloudwatch.IMetric
	for _, f := range blueprint.Functions() {
		if f.Stream != nil {
			all = append(all, l.functions[f.Name].Metric(jsii.String("IteratorAge"), most(5)))
		}
		if f.Queue != nil {
			all = append(all, l.queues[f.Queue.Queue].MetricApproximateAgeOfOldestMessage(most(5)))
		}
	}
	return all
}

func (l *Latchkey) tableMetric(name string) awscloudwatch.IMetric {
	return l.Table.Metric(&name, sum(60))
}
