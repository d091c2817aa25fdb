// Package awsenv reads from a Lambda's environment what AWS clients need:
// region, credentials and, on a laptop, endpoints. It stands in for the SDK's
// config package, which looks for profiles, files and instance roles that a
// Lambda never has, and doubles the time to the first request.
//
// It may be imported by the packages that make AWS clients.
package awsenv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Env is a Lambda's environment.
type Env struct {
	// Get reads one variable; os.Getenv in a Lambda.
	Get func(name string) string
}

// Region is where the function runs.
func (e Env) Region() string { return e.Get("AWS_REGION") }

// Credentials are the execution role's, which Lambda puts into the environment.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (e Env) Credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		c := aws.Credentials{
			AccessKeyID:     e.Get("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: e.Get("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    e.Get("AWS_SESSION_TOKEN"),
			Source:          "environment",
		}
		if c.AccessKeyID == "" {
			return c, fmt.Errorf("AWS_ACCESS_KEY_ID is not set")
		}
		return c, nil
	})
}

// Endpoint is another address for a service, from AWS_ENDPOINT_URL_<SERVICE>;
// nil where none is set, as in the cloud.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (e Env) Endpoint(service string) *string {
	if url := e.Get("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}

// Retryer repeats what was throttled, broke off, or met a transaction at the
// same item, with jitter, up to five times in all.
func Retryer() aws.Retryer { return retryer(5) }

// PatientRetryer goes on until the context ends: a request to a busy table is
// answered late rather than refused, and every try is safe to repeat. Its
// number of attempts only bounds a context that has no deadline.
func PatientRetryer() aws.Retryer { return retryer(100) }

const (
	firstBackoff = 25 * time.Millisecond
	maxBackoff   = time.Second
)

func retryer(attempts int) aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None // each request has a deadline of its own
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return time.Duration(rand.Int64N(int64(min(maxBackoff, firstBackoff<<min(attempt, 10))))), nil
		})
	})
	// The SDK leaves these to its callers.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
	return retry.AddWithErrorCodes(standard, "TransactionConflictException", "TransactionInProgressException")
}
