package latchkey

import (
	"net/mail"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// Values of Props.Stage.
const (
	StageProduction  = "production"
	StageDevelopment = "development"
)

// StackName is the name of the CloudFormation stack that Latchkey's own app
// deploys: NamePrefix with its first letter in upper case. Deployments with
// different prefixes are different stacks.
func (p Props) StackName() string {
	prefix := p.withDefaults().NamePrefix
	return strings.ToUpper(prefix[:1]) + prefix[1:]
}

// Protected reports whether table, accounts and stack are protected against
// deletion.
func (p Props) Protected() bool {
	return p.withDefaults().Stage == StageProduction && !p.Unprotected
}

// withStageDefaults is a copy with the defaults that depend on the stage.
func (p Props) withStageDefaults() Props {
	if p.Stage == "" {
		p.Stage = StageProduction
	}
	if p.Canary == "" {
		p.Canary = CanaryOff
		if p.Stage == StageProduction {
			p.Canary = defaultCanary
		}
	}
	return p
}

func (p Props) validateStage(wrong report) {
	switch p.Stage {
	case StageProduction:
		if p.AlarmTopic == nil && p.AlarmMail == "" && !p.OmitAlarmTopic {
			wrong("AlarmMail", `is empty, so alarms would notify no one; set an email address, set AlarmTopic to a topic, or set OmitAlarmTopic to true to do without`)
		}
	case StageDevelopment:
		if p.Unprotected {
			wrong("Unprotected", `is about production; in development nothing is protected`)
		}
	default:
		wrong("Stage", `%q is not known; set %q or %q`, p.Stage, StageProduction, StageDevelopment)
	}
	if p.AlarmMail != "" {
		if parsed, err := mail.ParseAddress(p.AlarmMail); err != nil || parsed.Address != p.AlarmMail {
			wrong("AlarmMail", `%q is not an address; write it like "on-call@example.com"`, p.AlarmMail)
		}
	}
	if p.OmitAlarmTopic && (p.AlarmTopic != nil || p.AlarmMail != "") {
		wrong("OmitAlarmTopic", `is set together with AlarmTopic or AlarmMail; set one of the three`)
	}
}

// keep returns what happens to data when the stack is deleted.
// RetainExceptOnCreate lets a failed first deployment remove the empty table:
// otherwise each attempt would leave a table that belongs to no stack.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func (l *Latchkey) keep() awscdk.RemovalPolicy {
	if l.props.Stage == StageDevelopment {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
}

// beforeData makes CloudFormation create a resource before the table and the
// keys. It is for resources that often fail in a first deployment, such as an
// SES identity that exists already: then there is no data to roll back.
func (l *Latchkey) beforeData(resource constructs.IDependable) {
	for _, data := range []constructs.Construct{l.Table, l.dataKey} {
		data.Node().AddDependency(resource)
	}
}
