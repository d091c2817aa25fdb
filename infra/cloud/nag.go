package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// suppression says why a rule of cdk-nag does not hold for one resource.
type suppression struct {
	rule   string
	reason string
}

// suppress notes exceptions on one resource, where cdk-nag and people who
// review the template find them. It writes the metadata itself, so that
// importing the construct takes no dependency on cdk-nag.
func suppress(on constructs.IConstruct, exceptions ...suppression) {
	resource := on.(awscdk.CfnResource)
	rules := make([]map[string]any, len(exceptions))
	for i, e := range exceptions {
		rules[i] = map[string]any{"id": e.rule, "reason": e.reason}
	}
	key := "cdk_nag"
	resource.AddMetadata(&key, map[string]any{"rules_to_suppress": rules})
}
