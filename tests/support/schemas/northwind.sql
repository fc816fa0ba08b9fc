-- A trader in food: the structure of the Northwind sample, names with capitals and blanks included.
CREATE TABLE "Categories" (
    "CategoryID" INTEGER PRIMARY KEY,
    "CategoryName" VARCHAR(15) NOT NULL,
    "Description" TEXT
);
CREATE INDEX "CategoryName" ON "Categories" ("CategoryName");
CREATE TABLE "CustomerDemographics" (
    "CustomerTypeID" CHAR(10) NOT NULL,
    "CustomerDesc" TEXT,
    PRIMARY KEY ("CustomerTypeID")
);
CREATE TABLE "Customers" (
    "CustomerID" CHAR(5) NOT NULL PRIMARY KEY,
    "CompanyName" VARCHAR(40) NOT NULL,
    "ContactName" VARCHAR(30),
    "City" VARCHAR(15),
    "Region" VARCHAR(15),
    "PostalCode" VARCHAR(10),
    "Country" VARCHAR(15)
);
CREATE INDEX "City" ON "Customers" ("City");
CREATE TABLE "CustomerCustomerDemo" (
    "CustomerID" CHAR(5) NOT NULL,
    "CustomerTypeID" CHAR(10) NOT NULL,
    PRIMARY KEY ("CustomerID", "CustomerTypeID"),
    FOREIGN KEY ("CustomerID") REFERENCES "Customers" ("CustomerID"),
    FOREIGN KEY ("CustomerTypeID") REFERENCES "CustomerDemographics" ("CustomerTypeID")
);
CREATE TABLE "Employees" (
    "EmployeeID" INTEGER PRIMARY KEY,
    "LastName" VARCHAR(20) NOT NULL,
    "FirstName" VARCHAR(10) NOT NULL,
    "BirthDate" DATE CHECK ("BirthDate" < '2030-01-01'),
    "HireDate" DATE,
    "Notes" TEXT,
    "ReportsTo" INTEGER REFERENCES "Employees" ("EmployeeID")
);
CREATE TABLE "Region" (
    "RegionID" INTEGER PRIMARY KEY,
    "RegionDescription" CHAR(50) NOT NULL
);
CREATE TABLE "Territories" (
    "TerritoryID" VARCHAR(20) NOT NULL PRIMARY KEY,
    "TerritoryDescription" CHAR(50) NOT NULL,
    "RegionID" INTEGER NOT NULL REFERENCES "Region" ("RegionID")
);
CREATE TABLE "EmployeeTerritories" (
    "EmployeeID" INTEGER NOT NULL,
    "TerritoryID" VARCHAR(20) NOT NULL,
    PRIMARY KEY ("EmployeeID", "TerritoryID"),
    FOREIGN KEY ("EmployeeID") REFERENCES "Employees" ("EmployeeID"),
    FOREIGN KEY ("TerritoryID") REFERENCES "Territories" ("TerritoryID")
);
CREATE TABLE "Shippers" (
    "ShipperID" INTEGER PRIMARY KEY,
    "CompanyName" VARCHAR(40) NOT NULL,
    "Phone" VARCHAR(24)
);
CREATE TABLE "Suppliers" (
    "SupplierID" INTEGER PRIMARY KEY,
    "CompanyName" VARCHAR(40) NOT NULL,
    "HomePage" TEXT
);
CREATE TABLE "Products" (
    "ProductID" INTEGER PRIMARY KEY,
    "ProductName" VARCHAR(40) NOT NULL,
    "SupplierID" INTEGER REFERENCES "Suppliers" ("SupplierID"),
    "CategoryID" INTEGER REFERENCES "Categories" ("CategoryID"),
    "UnitPrice" NUMERIC DEFAULT 0,
    "UnitsInStock" SMALLINT DEFAULT 0,
    "Discontinued" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "CK_Products_UnitPrice" CHECK ("UnitPrice" >= 0),
    CONSTRAINT "CK_UnitsInStock" CHECK ("UnitsInStock" BETWEEN 0 AND 30000 AND "ProductName" <> 'x')
);
CREATE TABLE "Orders" (
    "OrderID" INTEGER PRIMARY KEY,
    "CustomerID" CHAR(5) REFERENCES "Customers" ("CustomerID"),
    "EmployeeID" INTEGER REFERENCES "Employees" ("EmployeeID"),
    "OrderDate" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    "ShipVia" INTEGER REFERENCES "Shippers" ("ShipperID"),
    "Freight" REAL DEFAULT 0,
    "ShipName" VARCHAR(40)
);
CREATE INDEX "OrderDate" ON "Orders" ("OrderDate");
CREATE INDEX "LateOrders" ON "Orders" ("ShipVia") WHERE "ShipName" IS NOT NULL;
CREATE TABLE "Order Details" (
    "OrderID" INTEGER NOT NULL,
    "ProductID" INTEGER NOT NULL,
    "UnitPrice" NUMERIC(10,2) NOT NULL DEFAULT 0,
    "Quantity" SMALLINT NOT NULL DEFAULT 1,
    "Discount" REAL NOT NULL DEFAULT 0,
    PRIMARY KEY ("OrderID", "ProductID"),
    CONSTRAINT "CK_Discount" CHECK ("Discount" >= 0 AND ("Discount" <= 1)),
    CONSTRAINT "CK_Quantity" CHECK ("Quantity" IN (1, 2, 3, 4, 5)),
    FOREIGN KEY ("OrderID") REFERENCES "Orders" ("OrderID") ON DELETE CASCADE,
    FOREIGN KEY ("ProductID") REFERENCES "Products" ("ProductID")
);
CREATE VIEW "Product Sales" AS SELECT "ProductID", sum("Quantity") AS total FROM "Order Details" GROUP BY "ProductID";
INSERT INTO "Customers" ("CustomerID", "CompanyName") VALUES ('ALFKI', 'Alfreds');
INSERT INTO "Orders" ("OrderID", "CustomerID", "Freight") VALUES (1, 'ALFKI', 2.5);
INSERT INTO "Products" ("ProductID", "ProductName", "UnitPrice") VALUES (1, 'Chai', 18);
INSERT INTO "Order Details" ("OrderID", "ProductID", "UnitPrice") VALUES (1, 1, 14);
