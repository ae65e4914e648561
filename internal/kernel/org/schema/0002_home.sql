-- +goose Up
-- home marks the one row of each unit that names the body answering for it: the nearest unit at or above that is
-- no section. A section without such a unit answers for itself.
ALTER TABLE org_below ADD COLUMN home BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE org_below SET home = (org_below.unit = COALESCE((SELECT b.unit FROM org_below b JOIN org_unit u ON u.id = b.unit
    WHERE b.below = org_below.below AND u.kind <> 'section' ORDER BY b.depth LIMIT 1), org_below.below));
