package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/jsii-runtime-go"
)

// dnsRecord is one that the owner of a domain makes. Parts of it may be known
// at deployment alone.
type dnsRecord struct {
	output string // its name among the stack's outputs
	name   *string
	kind   string
	value  *string
	isHost bool // the value ends in a host name, which zone files end with a dot
}

// zoneTTL is how long resolvers may keep a record, in seconds.
const zoneTTL = "1800"

// senderRecords are the records of the sender's domain: DKIM, so that SES signs
// as the domain; the MAIL FROM domain's MX and SPF; and DMARC, which large
// mailbox providers ask for and which names no other sender (p=none).
// https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dmarc.html
func (l *Latchkey) senderRecords(identity awsses.CfnEmailIdentity) []dnsRecord {
	records := []dnsRecord{
		{"DkimRecord1", identity.AttrDkimDnsTokenName1(), "CNAME", identity.AttrDkimDnsTokenValue1(), true},
		{"DkimRecord2", identity.AttrDkimDnsTokenName2(), "CNAME", identity.AttrDkimDnsTokenValue2(), true},
		{"DkimRecord3", identity.AttrDkimDnsTokenName3(), "CNAME", identity.AttrDkimDnsTokenValue3(), true},
	}
	if from := l.props.MailFromDomain; from != "" {
		server := awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("10 feedback-smtp."), l.stack.Region(), jsii.String(".amazonses.com")})
		records = append(records,
			dnsRecord{"MailFromMxRecord", &from, "MX", server, true},
			dnsRecord{"MailFromSpfRecord", &from, "TXT", jsii.String(`"v=spf1 include:amazonses.com ~all"`), false})
	}
	return append(records, dnsRecord{"DmarcRecord", jsii.String("_dmarc." + domainOf(l.sender.Address)), "TXT", jsii.String(`"v=DMARC1; p=none;"`), false})
}

// outputRecords makes one output for each record, and DnsRecords with all of
// them as lines of a zone file (RFC 1035, section 5).
func (l *Latchkey) outputRecords(records []dnsRecord) {
	var zone []*string
	for _, r := range records {
		l.Outputs.More[r.output] = awscdk.Fn_Join(jsii.String(""), &[]*string{r.name, jsii.String(" " + r.kind + " "), r.value})
		end := ""
		if r.isHost {
			end = "."
		}
		zone = append(zone, awscdk.Fn_Join(jsii.String(""), &[]*string{r.name, jsii.String(". " + zoneTTL + " IN " + r.kind + " "), r.value, &end}))
	}
	l.Outputs.More["DnsRecords"] = awscdk.Fn_Join(jsii.String("\n"), &zone)
}
