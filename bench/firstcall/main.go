// This command is a Lambda that reads one item and answers how many
// milliseconds that took. In the init phase, INIT=connect opens the connection
// and INIT=call reads an item already.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	client := awshttp.NewBuildableClient()
	db := dynamodb.New(dynamodb.Options{Region: env.Region(), Credentials: env.Credentials(), BaseEndpoint: env.Endpoint("DYNAMODB"), HTTPClient: client})
	read := func(ctx context.Context) (float64, error) {
		began := time.Now()
		_, err := db.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: aws.String("latchkey"), Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}},
		})
		return time.Since(began).Seconds() * 1000, err
	}
	switch os.Getenv("INIT") {
	case "connect":
		awsenv.Connect(client, *env.Endpoint("DYNAMODB"))
	case "call":
		_, _ = read(context.Background()) // the handler's own call reports what is wrong
	}
	lambda.StartHandlerFunc(func(ctx context.Context, _ json.RawMessage) (float64, error) { return read(ctx) })
}
