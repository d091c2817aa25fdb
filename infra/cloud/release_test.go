package latchkey_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

// TestReleases shifts every function's alias with CodeDeploy, and returns it
// when an alarm of this deployment goes off.
func TestReleases(t *testing.T) {
	made := standard(t)
	groups := made.of("AWS::CodeDeploy::DeploymentGroup")
	aliases := made.of("AWS::Lambda::Alias")
	if len(groups) != len(blueprint.Functions()) || len(aliases) != len(groups) {
		t.Fatalf("%d deployment groups and %d aliases for %d functions", len(groups), len(aliases), len(blueprint.Functions()))
	}
	for id, group := range groups {
		p := group.Properties
		if p["DeploymentConfigName"] != "CodeDeployDefault.LambdaCanary10Percent15Minutes" {
			t.Errorf("%s shifts by %v", id, p["DeploymentConfigName"])
		}
		if text(p["AutoRollbackConfiguration"]) != `{"Enabled":true,"Events":["DEPLOYMENT_FAILURE","DEPLOYMENT_STOP_ON_REQUEST","DEPLOYMENT_STOP_ON_ALARM"]}` {
			t.Errorf("%s: %s", id, text(p["AutoRollbackConfiguration"]))
		}
		watched := p["AlarmConfiguration"].(map[string]any)["Alarms"].([]any)
		if len(watched) == 0 || len(watched) > 10 { // as many as CodeDeploy takes
			t.Errorf("%s watches %d alarms", id, len(watched))
		}
		for _, alarm := range watched {
			ref, _ := alarm.(map[string]any)["Name"].(map[string]any)["Ref"].(string)
			if made.Resources[ref].Type != "AWS::CloudWatch::Alarm" || strings.Contains(ref, "deadletters") {
				t.Errorf("%s watches %s", id, text(alarm))
			}
		}
	}
	for id := range aliases {
		policy, _ := made.Resources[id].UpdatePolicy["CodeDeployLambdaAliasUpdate"].(map[string]any)
		group, _ := policy["DeploymentGroupName"].(map[string]any)["Ref"].(string)
		name := functionsOf(made)[functionCalled(made, map[string]any{"Ref": id})]
		if groups[group].Properties["DeploymentGroupName"] != name {
			t.Errorf("%s, the alias of %s, is shifted by %s", id, name, text(policy))
		}
	}
}

// TestEverythingCallsTheAlias finds nothing that calls a function past its
// alias: such a call would reach a new version at once.
func TestEverythingCallsTheAlias(t *testing.T) {
	made := standard(t)
	functions := functionsOf(made)
	may := []string{"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"}
	for id, r := range made.Resources {
		if slices.Contains(may, r.Type) || strings.Contains(id, "ReleaseRole") {
			continue
		}
		for function, name := range functions {
			if strings.Contains(text(r.Properties), `"`+function+`"`) {
				t.Errorf("%s refers to the function %s and not to its alias", id, name)
			}
		}
	}
	for id, config := range made.of("AWS::Lambda::EventInvokeConfig") {
		if config.Properties["Qualifier"] != "live" {
			t.Errorf("%s is about %v", id, config.Properties["Qualifier"])
		}
	}
}

// TestCanaryOff makes neither versions nor aliases, in development by default.
func TestCanaryOff(t *testing.T) {
	off := minimal()
	off.Canary = latchkey.CanaryOff
	development := minimal()
	development.Stage = latchkey.StageDevelopment
	for name, props := range map[string]latchkey.Props{"off": off, "development": development} {
		made := synth(t, props, nil)
		for _, kind := range []string{"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup"} {
			if found := made.of(kind); len(found) > 0 {
				t.Errorf("%s: %d of %s", name, len(found), kind)
			}
		}
		for id, config := range made.of("AWS::Lambda::EventInvokeConfig") {
			if config.Properties["Qualifier"] != "$LATEST" {
				t.Errorf("%s: %s is about %v", name, id, config.Properties["Qualifier"])
			}
		}
	}
}

// TestVersionsFollowCode publishes a version for a change that Lambda publishes
// one for, and for no other: Lambda refuses a version that changes nothing.
func TestVersionsFollowCode(t *testing.T) {
	versions := func(change func(*latchkey.Props)) []string {
		props := minimal()
		change(&props)
		made := synth(t, props, nil)
		return slices.Sorted(maps.Keys(made.of("AWS::Lambda::Version")))
	}
	before := versions(func(*latchkey.Props) {})
	tagged := versions(func(p *latchkey.Props) { p.Tags = map[string]string{"team": "identity"} })
	if !slices.Equal(before, tagged) {
		t.Error("a tag publishes versions, which Lambda would refuse")
	}
	changed := versions(func(p *latchkey.Props) { p.HistoryDays = 30 })
	differ := 0
	for i, id := range changed {
		if before[i] != id {
			differ++
		}
	}
	if differ != 1 { // publish alone keeps history
		t.Errorf("a setting of publish publishes %d versions, want 1", differ)
	}
}
