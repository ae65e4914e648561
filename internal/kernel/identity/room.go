package identity

import (
	"qushu/internal/base/bus"
	"qushu/internal/room"
)

// Room declares the package.
func (i *Identity) Room() *room.Room {
	routes := append(i.signInRoutes(),
		room.Get("/setup", room.Open, i.getSetup),
		room.Post("/setup", room.Open, i.postSetup).Secrets(),
		room.Get("/rules", room.Open, i.getRules),
		room.Get("/me", room.Open, i.getMe),
		room.Post("/post", room.Signed, i.postPost),
		room.Get("/sessions", room.Signed, i.getSessions),
		room.Delete("/sessions/{id}", room.Signed, i.deleteSession),
		room.Get("/tokens", room.Signed, i.getTokens),
		room.Post("/tokens", room.Signed, i.postToken).Secrets(),
		room.Delete("/tokens/{id}", room.Signed, i.deleteToken),

		room.Get("/accounts", room.Signed, i.getAccounts),
		room.Get("/accounts/{id}", room.Signed, i.getAccount),
		room.Post("/accounts", permManage, i.postAccount),
		room.Post("/accounts/bulk", permUnit, i.postBulk),
		room.Post("/accounts/{id}/activation", permUnit, i.postActivation).Secrets(),
		room.Post("/accounts/{id}/activation/confirm", room.Signed, i.postSecond).Secrets(),
		room.Post("/accounts/{id}/activation/refuse", room.Signed, i.postRefuse),
		room.Post("/accounts/{id}/disable", permManage, i.postDisable),
		room.Post("/accounts/{id}/enable", permManage, i.postEnable),
		room.Get("/accounts/{id}/tokens", permManage, i.getServiceTokens),
		room.Post("/accounts/{id}/tokens", permManage, i.postServiceToken).Secrets(),
		room.Delete("/accounts/{id}/tokens/{token}", permManage, i.deleteServiceToken),
		room.Post("/accounts/{id}/approve", permSecurity, i.postApprove).Secrets(),
		room.Post("/accounts/{id}/unlock", permSecurity, i.postUnlock),
		room.Post("/accounts/{id}/totp/reset", permSecurity, i.postResetFactor),
		room.Get("/online", permSecurity, i.getOnline),
		room.Delete("/online/{id}", permSecurity, i.deleteOnline),
		room.Get("/selfcheck", permSecurity, i.getSelfCheck),
	)
	return &room.Room{Name: "identity", Pillar: room.Kernel, Schema: schema, Text: Text, Settings: declaredSettings(), Routes: routes, Jobs: i.jobs(),
		Perms: []room.Perm{{Name: permManage, Admin: room.System}, {Name: permUnit}, {Name: permSecurity, Admin: room.Security}},
		Menu: []room.Menu{{Name: "accounts", Path: "/identity", Perm: permUnit, Rank: 820}, {Name: "safety", Path: "/identity", Perm: permSecurity, Rank: 820},
			{Name: "sessions", Path: "/identity/sessions", Perm: permSecurity, Rank: 830}, {Name: "selfcheck", Path: "/identity/selfcheck", Perm: permSecurity, Rank: 840}},
		Sealed: []room.Sealed{{Table: "identity_account", ID: "id", Column: "totp", Place: aad}, {Table: "identity_session", ID: "id", Column: "enroll", By: "account", Place: aad}},
		Hears:  i.hears(),
		Emits:  []bus.Event{bus.Emits[SessionEnded]("identity.session_ended")},
		Actions: []string{"identity.signin", "identity.signin_step", "identity.lock", "identity.recovery", "identity.recovery_renewed", "identity.factor_bound", "identity.factor_removed",
			"identity.factor_reset", "identity.password", "identity.activate", "identity.session_end", "identity.post", "identity.setup", "identity.create", "identity.issue", "identity.ask", "identity.confirm", "identity.refuse",
			"identity.approve", "identity.disable", "identity.enable", "identity.unlock", "identity.reset", "identity.dormant", "identity.token_made", "identity.token_revoked", "identity.selfcheck"}}
}
