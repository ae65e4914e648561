package org

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

func insertPerson(ctx context.Context, q store.Queryer, p Person, index string, now store.Time) error {
	return store.Exec(ctx, q, `INSERT INTO org_person (id, name, pinyin, initials, sex, staff_no, mobile, mobile_idx, office_phone, unit_id, title, leader, sort, made_at, left_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', FALSE, $10, $11, 0, 1)`,
		p.ID, p.Name, p.Pinyin, p.Initials, p.Sex, p.StaffNo, p.sealed, index, p.OfficePhone, "~ "+p.Pinyin+" "+p.ID, now)
}

// savePerson writes p over the version it was read at. What follows from posts is resort's.
func savePerson(ctx context.Context, q store.Queryer, p Person) error {
	return store.ExecOne(ctx, q, `UPDATE org_person SET name = $1, pinyin = $2, initials = $3, sex = $4, staff_no = $5, office_phone = $6, left_at = $7, version = version + 1
		WHERE id = $8 AND version = $9`, p.Name, p.Pinyin, p.Initials, p.Sex, p.StaffNo, p.OfficePhone, p.Left, p.ID, p.Version)
}

func saveMobile(ctx context.Context, q store.Queryer, person, sealed, index string) error {
	return store.Exec(ctx, q, `UPDATE org_person SET mobile = $1, mobile_idx = $2 WHERE id = $3`, sealed, index, person)
}

// staffTaken says who else has the staff number, left persons included: a number is never used twice.
func staffTaken(ctx context.Context, q store.Queryer, p Person) error {
	if p.StaffNo == "" {
		return nil
	}
	other, err := onePerson(ctx, q, store.C("e.staff_no = $1 AND e.id <> $2", p.StaffNo, p.ID))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err == nil {
		err = errs.New(errs.Conflict, "org.staff_taken", p.StaffNo, other.Name)
	}
	return err
}

func insertPost(ctx context.Context, q store.Queryer, p Post) error {
	return store.Exec(ctx, q, `INSERT INTO org_post (id, person, unit_id, title, rank, leader, main, from_at, until_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 1)`, p.ID, p.Person, p.Unit, p.Title, p.Rank, p.Leader, p.Main, p.From)
}

func savePost(ctx context.Context, q store.Queryer, p Post) error {
	return store.ExecOne(ctx, q, `UPDATE org_post SET title = $1, rank = $2, leader = $3, main = $4, until_at = $5, version = version + 1 WHERE id = $6 AND version = $7`,
		p.Title, p.Rank, p.Leader, p.Main, p.Until, p.ID, p.Version)
}

// setMain makes post the main one of its person, or none of them for "". It returns the posts that changed.
func setMain(ctx context.Context, q store.Queryer, person, post string) ([]string, error) {
	changed, err := store.Column[string](ctx, q, `SELECT id FROM org_post WHERE person = $1 AND until_at = 0 AND main <> (id = $2)`, person, post)
	if err != nil {
		return nil, err
	}
	if err := store.Exec(ctx, q, `UPDATE org_post SET main = FALSE, version = version + 1 WHERE person = $1 AND until_at = 0 AND main AND id <> $2`, person, post); err != nil {
		return nil, err
	}
	return changed, store.Exec(ctx, q, `UPDATE org_post SET main = TRUE, version = version + 1 WHERE id = $1 AND NOT main AND until_at = 0`, post)
}

// endMemberships ends a person's places in groups.
func endMemberships(ctx context.Context, q store.Queryer, person string, now store.Time) error {
	return store.Exec(ctx, q, `UPDATE org_group_member SET until_at = $1 WHERE person = $2 AND until_at = 0`, now, person)
}
