package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"qushu/internal/kernel/identity"
	"qushu/internal/room"
)

type adminCmd struct {
	Create adminCreateCmd `cmd:"" help:"Create the three administrators of an installation that has none."`
	Reset  adminResetCmd  `cmd:"" help:"Void an account's password and print a one-time activation code."`
	Unlock adminUnlockCmd `cmd:"" help:"Let a locked account try again."`
	Code   adminCodeCmd   `cmd:"" help:"Print the six-digit code of an account of a demonstration."`
}

type adminCreateCmd struct {
	System   string `required:"" placeholder:"ACCOUNT:NAME" help:"System administrator: units, people, accounts, settings, backup. No name such as admin or system: the self-check refuses default names."`
	Security string `required:"" placeholder:"ACCOUNT:NAME" help:"Security administrator: roles, rights, policies, unlocking."`
	Audit    string `required:"" placeholder:"ACCOUNT:NAME" help:"Audit administrator: reads and verifies the audit, changes nothing."`
}

// Run asks for three passwords, from the terminal without echo, or one a line from a pipe.
func (a *adminCreateCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	cfg, err := c.config(nil)
	if err != nil {
		return err
	}
	var args []string
	ask := asker(out)
	for _, who := range []struct {
		kind room.Admin
		text string
	}{{room.System, a.System}, {room.Security, a.Security}, {room.Auditor, a.Audit}} {
		login, name, ok := strings.Cut(who.text, ":")
		if !ok || login == "" || name == "" {
			return fmt.Errorf("%q is not ACCOUNT:NAME", who.text)
		}
		password, err := ask(fmt.Sprintf("Password of %s (%s): ", login, name))
		if err != nil {
			return err
		}
		args = append(args, string(who.kind), login, name, password)
	}
	return call(ctx, cfg, "admin-create", args, out)
}

// asker returns a function that asks for a secret.
func asker(out io.Writer) func(prompt string) (string, error) {
	in := int(os.Stdin.Fd())
	lines := bufio.NewScanner(os.Stdin)
	return func(prompt string) (string, error) {
		if term.IsTerminal(in) {
			fmt.Fprint(out, prompt)
			b, err := term.ReadPassword(in)
			fmt.Fprintln(out)
			return string(b), err
		}
		if !lines.Scan() {
			return "", errors.Join(errors.New("a password is missing: give three, one a line"), lines.Err())
		}
		return lines.Text(), nil
	}
}

func adminCreate(ctx context.Context, a *app, args []string, out io.Writer) error {
	if len(args) != 12 {
		return errors.New("three administrators with kind, account, name and password are needed")
	}
	var all []identity.NewAdmin
	for i := 0; i < 12; i += 4 {
		all = append(all, identity.NewAdmin{Kind: room.Admin(args[i]), Account: args[i+1], Name: args[i+2], Password: args[i+3]})
	}
	if err := a.kit.Identity.CreateAdministrators(ctx, all); err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintln(out, "The three administrators are there. Each chooses a new password and binds an authenticator at the first sign-in.")
	return nil
}

type adminResetCmd struct {
	Account string `arg:"" help:"Login of the account."`
	Factor  bool   `help:"Remove the second factor too: the phone is lost."`
}

// Run resets one account.
func (a *adminResetCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "admin-reset", a.Account, fmt.Sprint(a.Factor))
}

func adminReset(ctx context.Context, a *app, args []string, out io.Writer) error {
	code, until, err := a.kit.Identity.ResetPassword(ctx, args[0], args[1] == "true")
	if err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintf(out, "Activation code of %s, valid until %s:\n  %s\nIts owner enters it at /activate and chooses a new password.\n", args[0], until.Format("2006-01-02 15:04"), code)
	return nil
}

type adminUnlockCmd struct {
	Account string `arg:"" help:"Login of the account."`
}

// Run unlocks one account.
func (a *adminUnlockCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "admin-unlock", a.Account)
}

func adminUnlock(ctx context.Context, a *app, args []string, out io.Writer) error {
	if err := a.kit.Identity.Unlock(ctx, args[0]); err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintf(out, "%s may try again.\n", args[0])
	return nil
}

type adminCodeCmd struct {
	Account string `arg:"" help:"Login of the account."`
}

// Run prints a code; only a demonstration gives one.
func (a *adminCodeCmd) Run(ctx context.Context, c *cli, out io.Writer) error {
	return c.call(ctx, out, "admin-code", a.Account)
}

func adminCode(ctx context.Context, a *app, args []string, out io.Writer) error {
	code, err := a.kit.Identity.DemoCode(ctx, args[0])
	if err != nil {
		return a.words(ctx, err)
	}
	fmt.Fprintln(out, code)
	return nil
}

// words gives an error its sentence in the terminal's language.
func (a *app) words(ctx context.Context, err error) error {
	p := a.house.Server.Problem(ctx, err)
	text := p.Detail
	for _, e := range p.Errors {
		text += "\n" + e.Name + ": " + e.Message
	}
	return errors.New(text)
}
