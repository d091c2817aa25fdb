package latchkey

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// alarm is one that a person on call wants. Its name is the heading of its
// entry in docs/operations.md.
type alarm struct {
	name      string
	says      string
	metric    awscloudwatch.IMetric
	threshold float64
	below     bool // alarms below the threshold instead of at or above it
	periods   float64
	// silence is what missing data means; most metrics are silent when idle.
	silence awscloudwatch.TreatMissingData
}

const quiet = awscloudwatch.TreatMissingData_NOT_BREACHING

// The limits at which SES puts an account under review are 5 % and 0.1 %.
// https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
const (
	bounceLimit    = 0.05
	complaintLimit = 0.001
)

func (l *Latchkey) addAlarms() {
	l.addAlarmTopics()
	alarms := []alarm{
		{"api-5xx", "more than 1 % of requests fail on our side", l.errorRate(), 1, false, 2, quiet},
		{"api-latency", "one request in twenty takes 5 seconds or longer", l.API.MetricLatency(&awscloudwatch.MetricOptions{Statistic: jsii.String("p95"), Period: minutes(5)}), 5000, false, 3, quiet},
		{"lambda-throttles", "the account's concurrency is used up; functions are refused", accountThrottles(), 1, false, 2, quiet},
		{"table-throttles", "the table refuses writes", l.tableThrottles(), 1, false, 3, quiet},
		{"mail-quota", "four fifths of the mails that the account may send in 24 hours are used", accountMails(), 0.8 * float64(l.props.MailQuota), false, 1, quiet},
		{"mail-failed", "a mail was given up, or the mail service takes none; the user's delivery says failed or scheduled", l.stuckMail(), 1, false, 1, quiet},
		{"invitations-paused", "people reported a workspace's invitations as abuse; they are paused", l.counted("abuse", "outcome", "paused", 5), 1, false, 1, quiet},
		{"bounce-rate", "bounces are at the limit where SES reviews the account", l.reputation("BounceRate"), bounceLimit, false, 1, quiet},
		{"complaint-rate", "complaints are at the limit where SES reviews the account", l.reputation("ComplaintRate"), complaintLimit, false, 1, quiet},
	}
	for _, f := range blueprint.Functions() {
		if f.Stream != nil && f.Stream.AgeAlarm != "" {
			age := l.functions[f.Name].Metric(jsii.String("IteratorAge"), most(5))
			alarms = append(alarms, alarm{f.Stream.AgeAlarm, "changes wait for more than 5 minutes to become events and mail", age, 5 * 60 * 1000, false, 1, quiet})
		}
		if f.Queue != nil {
			age := l.queues[f.Queue.Queue].MetricApproximateAgeOfOldestMessage(most(5))
			alarms = append(alarms, alarm{f.Queue.Queue + "-age", "a message waits for more than 15 minutes", age, 15 * 60, false, 1, quiet})
		}
		if f.Schedule != nil {
			// A run that fails becomes a dead letter, which has its own alarm.
			runs := l.functions[f.Name].MetricInvocations(sum(4 * f.Schedule.Every.Minutes()))
			alarms = append(alarms, alarm{f.Schedule.Name + "-not-run", "the schedule has not run", runs, 1, true, 1, awscloudwatch.TreatMissingData_BREACHING})
		}
	}
	for _, q := range blueprint.Queues() {
		if q.DeadLetter == "" {
			name := strings.TrimSuffix(q.Name, "-dead")
			waiting := l.queues[q.Name].MetricApproximateNumberOfMessagesVisible(most(5))
			alarms = append(alarms, alarm{"dead-letters-" + name, "something was given up and waits to be looked at", waiting, 1, false, 1, quiet})
		}
	}
	for _, a := range alarms {
		l.addAlarm(a)
	}
}

func (l *Latchkey) addAlarm(a alarm) {
	comparison := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD
	if a.below {
		comparison = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	made := awscloudwatch.NewAlarm(l.scope, jsii.String("Alarm-"+a.name), &awscloudwatch.AlarmProps{
		AlarmName:          l.named(a.name),
		AlarmDescription:   jsii.String("Latchkey: " + a.says + ". What to do: docs/operations.md, " + a.name),
		Metric:             a.metric,
		Threshold:          &a.threshold,
		EvaluationPeriods:  &a.periods,
		ComparisonOperator: comparison,
		TreatMissingData:   a.silence,
	})
	if a.name == "api-latency" { // a percentile of a handful of requests is one slow request
		made.Node().DefaultChild().(awscloudwatch.CfnAlarm).SetEvaluateLowSampleCountPercentile(jsii.String("ignore"))
	}
	for _, topic := range l.alarmTopics {
		action := awscloudwatchactions.NewSnsAction(topic)
		made.AddAlarmAction(action)
		made.AddOkAction(action)
	}
	l.alarms[a.name] = made
}

// addAlarmTopics collects the topics that are notified of every alarm, and
// creates the one for AlarmMail.
func (l *Latchkey) addAlarmTopics() {
	if l.props.AlarmTopic != nil {
		l.alarmTopics = append(l.alarmTopics, l.props.AlarmTopic)
	}
	if l.props.AlarmMail == "" {
		return
	}
	topic := awssns.NewTopic(l.scope, jsii.String("AlarmTopic"), &awssns.TopicProps{
		TopicName: l.named("alarms"), EnforceSSL: jsii.Bool(true),
	})
	// The policy that refuses plain HTTP replaces the one that a topic has by
	// default, which would have let CloudWatch in.
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("AlarmsPublish"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"AWS:SourceAccount": l.stack.Account()}},
	}))
	mail := awssns.NewCfnSubscription(l.scope, jsii.String("AlarmMail"), &awssns.CfnSubscriptionProps{
		TopicArn: topic.TopicArn(), Protocol: jsii.String("email"), Endpoint: &l.props.AlarmMail,
	})
	suppress(mail, suppression{"Serverless-SNSRedrivePolicy", "a person reads it; an alarm whose mail is lost still shows in CloudWatch"})
	l.Outputs.More["AlarmTopicArn"] = topic.TopicArn()
	l.alarmTopics = append(l.alarmTopics, topic)
}

func minutes(n float64) awscdk.Duration { return awscdk.Duration_Minutes(&n) }

func most(every float64) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum"), Period: minutes(every)}
}

func sum(every float64) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutes(every)}
}

// errorRate is the share of failed requests in percent, once there are enough
// of them to speak of a share. Functions answer for themselves, so the API's
// own count sees what they could not handle, too.
func (l *Latchkey) errorRate() awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("IF(requests > 20, 100 * failed / requests, IF(failed > 1, 100, 0))"),
		Label:      jsii.String("failed requests in percent"),
		Period:     minutes(5),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"failed": l.API.MetricServerError(sum(5)), "requests": l.API.MetricCount(sum(5)),
		},
	})
}

// accountThrottles counts refused runs of all functions of the account in this
// region, since concurrency is the account's.
func accountThrottles() awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/Lambda"), MetricName: jsii.String("Throttles"),
		Statistic: jsii.String("Sum"), Period: minutes(5),
	})
}

// accountMails counts all mails of the account in this region in a day, as
// SES's quota does.
func accountMails() awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/SES"), MetricName: jsii.String("Send"),
		Statistic: jsii.String("Sum"), Period: minutes(24 * 60),
	})
}

// tableThrottles counts writes that the table refused. Reads that it refuses
// end as errors of the API, which have an alarm of their own: a second metric
// would cost as much as the first.
func (l *Latchkey) tableThrottles() awscloudwatch.IMetric {
	name := "WriteThrottleEvents"
	return l.Table.Metric(&name, sum(5))
}

// reputation is a rate that SES publishes for the configuration set.
func (l *Latchkey) reputation(name string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/SES"), MetricName: jsii.String("Reputation." + name),
		DimensionsMap: &map[string]*string{"ses:configuration-set": l.configurationSet},
		Statistic:     jsii.String("Average"), Period: minutes(60),
	})
}

// addMetrics counts what functions log. The lines are a contract of publish,
// mail and accept: docs/operations.md lists them.
func (l *Latchkey) addMetrics() {
	l.countLines("publish", "event", "type", "type")
	l.countLines("mail", "mail", "outcome", "outcome")
	l.countLines("accept", "abuse", "outcome", "outcome")
	// One metric for two outcomes, since each metric of an alarm costs.
	awslogs.NewCfnMetricFilter(l.scope, jsii.String("Count-stuck-mail"), &awslogs.CfnMetricFilterProps{
		LogGroupName:  l.logGroups["mail"].LogGroupName(),
		FilterPattern: jsii.String(`{ $.message = "mail" && ($.outcome = "failed" || $.outcome = "postponed") }`),
		MetricTransformations: []map[string]any{{
			"metricNamespace": l.props.NamePrefix, "metricName": stuckMail, "metricValue": "1", "unit": "Count",
		}},
	})
}

// countLines turns lines of a function's log into a metric with one dimension,
// so that no function has to know of metrics.
func (l *Latchkey) countLines(function, message, field, dimension string) {
	awslogs.NewCfnMetricFilter(l.scope, jsii.String("Count-"+message), &awslogs.CfnMetricFilterProps{
		LogGroupName:  l.logGroups[function].LogGroupName(),
		FilterPattern: jsii.String(`{ $.message = "` + message + `" && $.` + field + ` = "*" }`),
		MetricTransformations: []map[string]any{{
			"metricNamespace": l.props.NamePrefix, "metricName": message, "metricValue": "1", "unit": "Count",
			"dimensions": []map[string]any{{"key": dimension, "value": "$." + field}},
		}},
	})
}

func (l *Latchkey) counted(message, dimension, value string, every float64) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: &l.props.NamePrefix, MetricName: &message, Label: &value,
		DimensionsMap: &map[string]*string{dimension: &value},
		Statistic:     jsii.String("Sum"), Period: minutes(every),
	})
}

const stuckMail = "mail failed or postponed"

func (l *Latchkey) stuckMail() awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: &l.props.NamePrefix, MetricName: jsii.String(stuckMail), Statistic: jsii.String("Sum"), Period: minutes(5),
	})
}
