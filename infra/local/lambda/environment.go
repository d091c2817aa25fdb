//go:build unix

package lambda

import (
	"slices"
	"strconv"
	"strings"
)

// handler is what _HANDLER says of functions that are one binary.
const handler = "bootstrap"

// environment is what the process sees: what every Lambda has, what the
// function's configuration adds, and what nobody may override.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func environment(cfg Config, taskRoot, api string) []string {
	defaults := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
	}
	reserved := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(cfg.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + cfg.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=local",
		"LAMBDA_TASK_ROOT=" + taskRoot,
		"_HANDLER=" + handler,
	}
	return slices.Concat(defaults, cfg.Env, reserved) // the last of a name counts
}

// functionARN names the function in an account that cannot exist.
func functionARN(cfg Config) string {
	region := "us-east-1"
	for _, pair := range cfg.Env {
		if value, ok := strings.CutPrefix(pair, "AWS_REGION="); ok && value != "" {
			region = value
		}
	}
	return "arn:aws:lambda:" + region + ":000000000000:function:" + cfg.Name
}
