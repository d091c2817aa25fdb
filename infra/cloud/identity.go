package latchkey

import (
	"net/url"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addIdentity makes the authorizer, and the user pool where no issuer is given.
func (l *Latchkey) addIdentity() {
	if l.props.Issuer != "" {
		l.Outputs.Issuer = &l.props.Issuer
		if l.props.Site != nil {
			issuer, _ := url.Parse(l.props.Issuer) // Validate has parsed it
			l.issuerOrigins = *jsii.Strings(append([]string{issuer.Scheme + "://" + issuer.Host}, l.props.Site.IssuerOrigins...)...)
		}
		for _, client := range l.props.Audience {
			l.audience = append(l.audience, &client)
		}
	} else {
		l.addUserPool()
	}
	l.authorizer = awsapigatewayv2.NewCfnAuthorizer(l.scope, jsii.String("Authorizer"), &awsapigatewayv2.CfnAuthorizerProps{
		ApiId: l.API.ApiId(), Name: l.named("jwt"), AuthorizerType: jsii.String("JWT"),
		IdentitySource:   jsii.Strings("$request.header.Authorization"),
		JwtConfiguration: l.jwt(),
	})
}

func (l *Latchkey) jwt() *awsapigatewayv2.CfnAuthorizer_JWTConfigurationProperty {
	return &awsapigatewayv2.CfnAuthorizer_JWTConfigurationProperty{Issuer: l.Outputs.Issuer, Audience: &l.audience}
}

// addUserPool makes a pool whose people sign in with an email address that
// Cognito has verified.
func (l *Latchkey) addUserPool() {
	triggers := &awscognito.UserPoolTriggers{}
	for _, f := range blueprint.Functions() {
		if f.OnAccountConfirmed {
			triggers.PostConfirmation = l.entries[f.Name]
		}
	}
	mfa := awscognito.Mfa_OPTIONAL
	if l.props.RequireMFA {
		mfa = awscognito.Mfa_REQUIRED
	}
	pool := awscognito.NewUserPool(l.scope, jsii.String("UserPool"), &awscognito.UserPoolProps{
		UserPoolName:      &l.props.NamePrefix,
		SelfSignUpEnabled: jsii.Bool(true),
		// The address is the user name, not an alias: nobody can take an alias
		// over by ForceAliasCreation, because there is none.
		SignInAliases:       &awscognito.SignInAliases{Email: jsii.Bool(true)},
		SignInCaseSensitive: jsii.Bool(false),
		AutoVerify:          &awscognito.AutoVerifiedAttrs{Email: jsii.Bool(true)},
		// A changed address counts only once it is verified.
		KeepOriginal:       &awscognito.KeepOriginalAttrs{Email: jsii.Bool(true)},
		StandardAttributes: l.standardAttributes(),
		AccountRecovery:    awscognito.AccountRecovery_EMAIL_ONLY,
		Mfa:                mfa,
		MfaSecondFactor:    &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength: jsii.Number(12), RequireLowercase: jsii.Bool(true), RequireUppercase: jsii.Bool(true),
			RequireDigits: jsii.Bool(true), RequireSymbols: jsii.Bool(true),
		},
		FeaturePlan:        awscognito.FeaturePlan_ESSENTIALS,
		Email:              l.accountMail(),
		LambdaTriggers:     triggers,
		DeletionProtection: jsii.Bool(l.props.Protected()),
		RemovalPolicy:      l.keep(),
	})
	exceptions := []suppression{{"AwsSolutions-COG8", "the Plus plan's threat protection costs 0.02 USD for each active person a month; who wants it sets it on UserPool"}}
	if !l.props.RequireMFA {
		exceptions = append(exceptions, suppression{"AwsSolutions-COG2", "people may set up an authenticator app; RequireMFA makes them"})
	}
	suppress(pool.Node().DefaultChild(), exceptions...)
	l.UserPool = pool

	// Domain prefixes are unique in a region across all accounts: the stack's
	// own id makes it so.
	stackID := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), l.stack.StackId(), nil))
	part := func(n float64) *string { return awscdk.Fn_Select(&n, awscdk.Fn_Split(jsii.String("-"), stackID, nil)) }
	domain := pool.AddDomain(jsii.String("Domain"), &awscognito.UserPoolDomainOptions{
		CognitoDomain: &awscognito.CognitoDomainOptions{
			DomainPrefix: awscdk.Fn_Join(jsii.String("-"), &[]*string{&l.props.NamePrefix, part(0), part(1)}),
		},
		// The classic hosted UI ignores prompt=login, so people who are signed in
		// could not switch to another account.
		// https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html
		ManagedLoginVersion: awscognito.ManagedLoginVersion_NEWER_MANAGED_LOGIN,
	})
	client := pool.AddClient(jsii.String("Dashboard"), l.dashboardClient())
	// Managed login shows no page for a client that has no branding.
	awscognito.NewCfnManagedLoginBranding(l.scope, jsii.String("Branding"), &awscognito.CfnManagedLoginBrandingProps{
		UserPoolId: pool.UserPoolId(), ClientId: client.UserPoolClientId(), UseCognitoProvidedValues: true,
	})
	l.audience = append(l.audience, client.UserPoolClientId())
	l.Outputs.ClientID = client.UserPoolClientId()
	origin := "https://cognito-idp." + *l.stack.Region() + "." + *l.stack.UrlSuffix()
	l.Outputs.Issuer = jsii.String(origin + "/" + *pool.UserPoolId())
	signIn := domain.BaseUrl(nil)
	l.issuerOrigins = []*string{&origin, signIn}
	l.signUpURL = jsii.String(*signIn + "/signup")
	l.Outputs.More["UserPoolId"] = pool.UserPoolId()
	l.Outputs.More["SignUpUrl"] = l.signUpURL
	l.Outputs.More["SignUpPage"] = jsii.String(*l.signUpURL + "?" + url.Values{
		"response_type": {"code"}, "scope": {"openid email profile"},
		"redirect_uri": {l.props.Dashboards[0] + l.props.CallbackPath},
	}.Encode() + "&client_id=" + *client.UserPoolClientId())
}

// standardAttributes are what people state when they sign up. Cognito takes no
// change of these once a pool exists.
func (l *Latchkey) standardAttributes() *awscognito.StandardAttributes {
	required := &awscognito.StandardAttribute{Required: jsii.Bool(true), Mutable: jsii.Bool(true)}
	attributes := &awscognito.StandardAttributes{Email: required}
	if !l.props.NameOptional {
		attributes.Fullname = required
	}
	return attributes
}

// dashboardClient is the web pages' client: code flow with PKCE, no secret,
// and no scope beyond knowing who signed in.
func (l *Latchkey) dashboardClient() *awscognito.UserPoolClientOptions {
	var callbacks, logouts []*string
	for _, d := range l.props.Dashboards {
		callbacks = append(callbacks, jsii.String(d+l.props.CallbackPath))
		logouts = append(logouts, jsii.String(d+"/"))
	}
	may := awscognito.NewClientAttributes().WithStandardAttributes(&awscognito.StandardAttributesMask{Email: jsii.Bool(true), Fullname: jsii.Bool(true)})
	return &awscognito.UserPoolClientOptions{
		UserPoolClientName: l.named("dashboard"),
		// AdminUserPassword needs credentials of the AWS account: with it an
		// operator gets a token without a browser.
		AuthFlows:                  &awscognito.AuthFlow{UserSrp: jsii.Bool(true), AdminUserPassword: jsii.Bool(true)},
		PreventUserExistenceErrors: jsii.Bool(true),
		EnableTokenRevocation:      jsii.Bool(true),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(1)),
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(1)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(30)),
		WriteAttributes:            may,
		OAuth: &awscognito.OAuthSettings{
			Flows:        &awscognito.OAuthFlows{AuthorizationCodeGrant: jsii.Bool(true)},
			Scopes:       &[]awscognito.OAuthScope{awscognito.OAuthScope_OPENID(), awscognito.OAuthScope_EMAIL(), awscognito.OAuthScope_PROFILE()},
			CallbackUrls: &callbacks, LogoutUrls: &logouts,
		},
	}
}

func (l *Latchkey) accountMail() awscognito.UserPoolEmail {
	if !l.props.AccountMailFromSender {
		return awscognito.UserPoolEmail_WithCognito(nil)
	}
	options := &awscognito.UserPoolSESOptions{
		FromEmail: &l.sender.Address, ConfigurationSetName: l.configurationSet,
		SesRegion: l.stack.Region(),
	}
	if l.sender.Name != "" {
		options.FromName = &l.sender.Name
	}
	if identity := l.props.SenderIdentity; !l.props.VerifyAddressOnly && !strings.Contains(identity, "@") {
		if identity == "" {
			identity = domainOf(l.sender.Address)
		}
		options.SesVerifiedDomain = &identity
	}
	return awscognito.UserPoolEmail_WithSES(options)
}

// operatorResource and operatorScopeName are the two halves of the scope
// latchkey/operator.
const (
	operatorResource  = "latchkey"
	operatorScopeName = "operator"
)

// GrantOperator makes a client for a backend that acts as an admin of every
// workspace: OAuth client credentials with the scope latchkey/operator. Its
// secret is in UserPoolClient.UserPoolClientSecret and in the Cognito console.
//
// It needs the pool that New made. With an issuer of one's own, that issuer
// gives the scope: register a machine client there, let it ask for
// latchkey/operator, and add its "aud" (or its "client_id", where the tokens
// have no "aud") to Props.Audience.
func (l *Latchkey) GrantOperator(id string) awscognito.UserPoolClient {
	if l.UserPool == nil {
		panic("latchkey: GrantOperator needs the Cognito user pool; with Props.Issuer, give the scope latchkey/operator to a client there and name it in Props.Audience")
	}
	if l.operatorServer == nil {
		scope := awscognito.NewResourceServerScope(&awscognito.ResourceServerScopeProps{
			ScopeName: jsii.String(operatorScopeName), ScopeDescription: jsii.String("Acts as an admin of every workspace"),
		})
		l.operatorServer = l.UserPool.AddResourceServer(jsii.String("Operators"), &awscognito.UserPoolResourceServerOptions{
			Identifier: jsii.String(operatorResource), Scopes: &[]awscognito.ResourceServerScope{scope},
		})
		l.operatorScope = awscognito.OAuthScope_ResourceServer(l.operatorServer, scope)
	}
	client := l.UserPool.AddClient(jsii.String("Operator-"+id), &awscognito.UserPoolClientOptions{
		UserPoolClientName:    l.named("operator-" + id),
		GenerateSecret:        jsii.Bool(true),
		EnableTokenRevocation: jsii.Bool(true),
		AccessTokenValidity:   awscdk.Duration_Hours(jsii.Number(1)),
		OAuth: &awscognito.OAuthSettings{
			Flows:  &awscognito.OAuthFlows{ClientCredentials: jsii.Bool(true)},
			Scopes: &[]awscognito.OAuthScope{l.operatorScope},
		},
	})
	// Nothing to sign in with: this client is no way in for people.
	client.Node().DefaultChild().(awscognito.CfnUserPoolClient).SetExplicitAuthFlows(jsii.Strings("ALLOW_REFRESH_TOKEN_AUTH"))
	// A Cognito access token has no audience but a client id, and the
	// authorizer takes that in its stead.
	l.audience = append(l.audience, client.UserPoolClientId())
	l.authorizer.SetJwtConfiguration(l.jwt())
	return client
}
