package local_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A person opens the mailed link in a browser, makes an account with the name
// and the address that the invitation has, and accepts.
func TestAPersonAcceptsInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is not installed, so no page is tested: apt-get install chromium")
	}
	o := newOffice(t)
	u := o.invite(nil)
	link, _ := linksOf(t, inbox(t, u.Email, 1)[0])

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	browser, cancel := chromedp.NewContext(allocator)
	defer cancel()
	ctx, cancel := context.WithTimeout(browser, 30*time.Second)
	defer cancel()

	err = chromedp.Do(ctx,
		chromedp.Navigate(link),
		chromedp.WaitVisible("#invitation"),
		chromedp.Click("#submit"),
		chromedp.WaitVisible("#accept"),
	)
	if err != nil {
		t.Fatal(err)
	}
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || strings.Contains(at, tokenOf(link)) {
		t.Errorf("the address bar still has the token: %q %v", at, err)
	}
	if got := o.get(u.ID); got.Status != "invited" {
		t.Errorf("signed up, %s", got.Status)
	}
	err = chromedp.Do(ctx, chromedp.Click("#accept"), chromedp.WaitVisible("#outcome"))
	if err != nil {
		t.Fatal(err)
	}
	if got := o.get(u.ID); got.Status != "active" {
		t.Errorf("accepted in the browser, %s", got.Status)
	}
}
