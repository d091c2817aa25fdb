package awsenv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"

	"github.com/latchkey/latchkey/shared/fault"
)

// ErrBusy is for a service that throttles, or a contest that goes on too long:
// nothing was written, and the caller may try again.
var ErrBusy = &fault.Error{Kind: fault.Unavailable, Code: "unavailable",
	Detail: "The service is busy. Try again in a moment.", RetryAfter: time.Second}

// Failure sorts an AWS service's errors by kind: what passes by itself is ErrBusy,
// everything else is a defect and stays as it is.
func Failure(what string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	transient := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
			"TransactionConflictException", "TransactionInProgressException", "InternalServerError", "ServiceUnavailable":
			transient = true
		case "DisabledException", "KMSInvalidStateException", "InvalidRequestException":
			// KMS, for a key that is disabled or about to be deleted, and
			// Secrets Manager for such a secret: an operator takes it back, and
			// the call can be repeated then.
			transient = true
		}
	}
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) && response.HTTPStatusCode() >= 500 {
		transient = true
	}
	var sent interface{ ConnectionError() bool }
	if errors.As(err, &sent) && sent.ConnectionError() {
		transient = true
	}
	if transient {
		busy := *ErrBusy
		busy.Cause = fmt.Errorf("%s: %w", what, err)
		return &busy
	}
	return fmt.Errorf("%s: %w", what, err)
}
