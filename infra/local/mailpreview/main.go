// Command mailpreview writes every mail in every language as a page, as text and
// as pictures, to be looked at: build/mail-preview/index.html.
//
// It may import shared/email, shared/locale and chromedp.
package main

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/locale"
)

func main() {
	if err := run(context.Background(), filepath.Join("build", "mail-preview")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var (
	widths  = []int64{320, 640}
	schemes = []string{"light", "dark"}
)

func run(ctx context.Context, folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var index strings.Builder
	index.WriteString("<!doctype html><meta charset=utf-8><title>Mails</title><style>body{font:14px sans-serif}img{border:1px solid #ccc;vertical-align:top;margin:4px}</style>")
	var names []string
	for _, kind := range email.Kinds {
		for _, language := range locale.Languages {
			name := string(kind) + "." + language
			m, err := email.Render(sample(kind, language))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for file, text := range map[string]string{".html": m.HTML, ".txt": m.Text} {
				if err := os.WriteFile(filepath.Join(folder, name+file), []byte(text), 0o644); err != nil {
					return err
				}
			}
			names = append(names, name)
			fmt.Fprintf(&index, `<h2>%s: %s</h2><p><a href="%[1]s.html">page</a> <a href="%[1]s.txt">text</a></p>`, name, html.EscapeString(m.Subject))
			for _, width := range widths {
				for _, scheme := range schemes {
					fmt.Fprintf(&index, `<img src="%s.%d.%s.png" alt="">`, name, width, scheme)
				}
			}
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(index.String()), 0o644); err != nil {
		return err
	}
	fmt.Printf("%d mails are in %s\n", len(names), filepath.Join(folder, "index.html"))
	return pictures(ctx, folder, names)
}

// sample is a mail with everything that it can have.
func sample(kind email.Kind, language string) email.Invite {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	link := "https://api.example.com/invite/" + strings.Repeat("AflBTOFDKIm4", 8)
	inv := email.Invite{
		Kind: kind, Locale: language, To: "john@corp.com", Name: "John Doe", Inviter: "Ada Admin", Workspace: "Nexus",
		Role: "builder", Link: link, ExpiresAt: now.Add(7 * 24 * time.Hour), Now: now,
		Message:     "Welcome to the team!\nAsk me whatever you like.",
		Branding:    email.Branding{Product: "Nexus Cloud", Accent: "#7a1f5c", Support: "help@corp.com"},
		Unsubscribe: link + "/unsubscribe", Report: link + "/report",
	}
	switch kind {
	case email.Access:
		inv.Link = "https://app.example.com/nexus"
	case email.Accepted, email.Asked:
		inv.To, inv.Link, inv.Unsubscribe, inv.Report = "ada@corp.com", "https://app.example.com/nexus/workspace-settings/users", "", ""
	}
	return inv
}

func pictures(ctx context.Context, folder string, names []string) error {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Println("There are no pictures, since Chromium is not installed: apt-get install chromium")
		return nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	browser, cancel := chromedp.NewContext(allocator)
	defer cancel()
	root, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	for _, width := range widths {
		for _, scheme := range schemes {
			for _, name := range names {
				var png []byte
				err := chromedp.Do(browser,
					chromedp.EmulateViewport(width, 800),
					prefers(scheme),
					chromedp.Navigate("file://"+filepath.Join(root, name+".html")),
				)
				if err == nil {
					png, err = chromedp.Run(browser, chromedp.FullScreenshot(100))
				}
				if err != nil {
					return fmt.Errorf("%s at %d pixels, %s: %w", name, width, scheme, err)
				}
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.%d.%s.png", name, width, scheme)), png, 0o644); err != nil {
					return err
				}
			}
		}
	}
	fmt.Printf("%d pictures are beside them\n", len(names)*len(widths)*len(schemes))
	return nil
}

func prefers(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}
