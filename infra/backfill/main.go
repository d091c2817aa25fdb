// Command backfill gives users that an earlier release wrote the keys that lists
// by role and by group read. Run it once every function is of this release;
// docs/operations.md says how. It may be run again.
//
// The table is the one that TABLE names, in AWS_REGION, with the credentials in
// the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if os.Getenv(setting.Table.Name) == "" || os.Getenv("AWS_REGION") == "" {
		fmt.Fprintln(os.Stderr, "backfill: set TABLE and AWS_REGION")
		os.Exit(2)
	}
	done, err := store.FromEnv(awsenv.Env{Get: os.Getenv}).Backfill(ctx)
	fmt.Printf("%d users, %d workspaces\n", done.Users, done.Workspaces)
	if err != nil {
		fmt.Fprintln(os.Stderr, "backfill:", err)
		os.Exit(1)
	}
}
